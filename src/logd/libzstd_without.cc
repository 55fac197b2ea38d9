// What this program has libzstd without: searches for matches other than the one that compressed_file.cc asks
// for by name, and formats from before zstd 0.8. As base/libxml2_without.cc, whose beginning says how that works.
#include <cstdlib>

extern "C" {

// Old formats cannot be read: no context for one can be had, which libzstd reports.
#define BV_WITHOUT(function) \
  void* function() { return nullptr; }

BV_WITHOUT(ZBUFFv05_createDCtx)
BV_WITHOUT(ZBUFFv05_decompressContinue)
BV_WITHOUT(ZBUFFv05_decompressInitDictionary)
BV_WITHOUT(ZBUFFv05_freeDCtx)
BV_WITHOUT(ZSTDv05_createDCtx)
BV_WITHOUT(ZSTDv05_decompress_usingDict)
BV_WITHOUT(ZSTDv05_findFrameSizeInfoLegacy)
BV_WITHOUT(ZSTDv05_freeDCtx)
BV_WITHOUT(ZSTDv05_getFrameParams)
BV_WITHOUT(ZBUFFv06_createDCtx)
BV_WITHOUT(ZBUFFv06_decompressContinue)
BV_WITHOUT(ZBUFFv06_decompressInitDictionary)
BV_WITHOUT(ZBUFFv06_freeDCtx)
BV_WITHOUT(ZSTDv06_createDCtx)
BV_WITHOUT(ZSTDv06_decompress_usingDict)
BV_WITHOUT(ZSTDv06_findFrameSizeInfoLegacy)
BV_WITHOUT(ZSTDv06_freeDCtx)
BV_WITHOUT(ZSTDv06_getFrameParams)
BV_WITHOUT(ZBUFFv07_createDCtx)
BV_WITHOUT(ZBUFFv07_decompressContinue)
BV_WITHOUT(ZBUFFv07_decompressInitDictionary)
BV_WITHOUT(ZBUFFv07_freeDCtx)
BV_WITHOUT(ZSTDv07_createDCtx)
BV_WITHOUT(ZSTDv07_decompress_usingDict)
BV_WITHOUT(ZSTDv07_findFrameSizeInfoLegacy)
BV_WITHOUT(ZSTDv07_freeDCtx)
BV_WITHOUT(ZSTDv07_getFrameParams)
#undef BV_WITHOUT

// Other strategies stand in a table, and are never taken from it.
#define BV_WITHOUT(function) \
  void function() { std::abort(); }

BV_WITHOUT(ZSTD_compressBlock_btlazy2)
BV_WITHOUT(ZSTD_compressBlock_btlazy2_dictMatchState)
BV_WITHOUT(ZSTD_compressBlock_btlazy2_extDict)
BV_WITHOUT(ZSTD_compressBlock_greedy)
BV_WITHOUT(ZSTD_compressBlock_greedy_dedicatedDictSearch)
BV_WITHOUT(ZSTD_compressBlock_greedy_dedicatedDictSearch_row)
BV_WITHOUT(ZSTD_compressBlock_greedy_dictMatchState)
BV_WITHOUT(ZSTD_compressBlock_greedy_dictMatchState_row)
BV_WITHOUT(ZSTD_compressBlock_greedy_extDict)
BV_WITHOUT(ZSTD_compressBlock_greedy_extDict_row)
BV_WITHOUT(ZSTD_compressBlock_greedy_row)
BV_WITHOUT(ZSTD_compressBlock_lazy)
BV_WITHOUT(ZSTD_compressBlock_lazy2)
BV_WITHOUT(ZSTD_compressBlock_lazy2_dedicatedDictSearch)
BV_WITHOUT(ZSTD_compressBlock_lazy2_dedicatedDictSearch_row)
BV_WITHOUT(ZSTD_compressBlock_lazy2_dictMatchState)
BV_WITHOUT(ZSTD_compressBlock_lazy2_dictMatchState_row)
BV_WITHOUT(ZSTD_compressBlock_lazy2_extDict)
BV_WITHOUT(ZSTD_compressBlock_lazy2_extDict_row)
BV_WITHOUT(ZSTD_compressBlock_lazy2_row)
BV_WITHOUT(ZSTD_compressBlock_lazy_dedicatedDictSearch)
BV_WITHOUT(ZSTD_compressBlock_lazy_dedicatedDictSearch_row)
BV_WITHOUT(ZSTD_compressBlock_lazy_dictMatchState)
BV_WITHOUT(ZSTD_compressBlock_lazy_dictMatchState_row)
BV_WITHOUT(ZSTD_compressBlock_lazy_extDict)
BV_WITHOUT(ZSTD_compressBlock_lazy_extDict_row)
BV_WITHOUT(ZSTD_compressBlock_lazy_row)
BV_WITHOUT(ZSTD_dedicatedDictSearch_lazy_loadDictionary)
BV_WITHOUT(ZSTD_insertAndFindFirstIndex)
BV_WITHOUT(ZSTD_row_update)
BV_WITHOUT(ZSTD_compressBlock_btopt)
BV_WITHOUT(ZSTD_compressBlock_btopt_dictMatchState)
BV_WITHOUT(ZSTD_compressBlock_btopt_extDict)
BV_WITHOUT(ZSTD_compressBlock_btultra)
BV_WITHOUT(ZSTD_compressBlock_btultra2)
BV_WITHOUT(ZSTD_compressBlock_btultra_dictMatchState)
BV_WITHOUT(ZSTD_compressBlock_btultra_extDict)
BV_WITHOUT(ZSTD_updateTree)
#undef BV_WITHOUT
}
