#include "model/domain/filesystem.h"

#include "model/domain/descriptions.h"

namespace bv::model {

namespace {

using F = Filesystem;

template <FsType... T>
bool Is(const F& f) {
  return ((f.type == T) || ...);
}
bool HasDriver(const F& f) { return f.driver != FsDriver::kDefault; }
bool IsVirtiofs(const F& f) { return f.driver == FsDriver::kVirtiofs; }

constexpr RowOf<F> kDriverRows[] = {
    Attr<&F::driver>("type").SkipZero(),
    Attr<&F::format>("format").NonZero().Fails(Fault::kUnsupported),
    Attr<&F::write_policy>("wrpolicy").NonZero().WhenWriting<&HasDriver>(),
    Attr<&F::queue_size>("queue").With(kEmptyIsAbsent).Fails(Fault::kDomainXml).When<&IsVirtiofs>(),
    Include<&F::virtio>(kVirtioOptions),
};

void ReadRam(Parser& p, F& f, const xml::Node& element) {
  std::uint64_t usage = 0;
  if (!p.Value(element, "usage", usage, Fault::kDomainXml)) p.Fail(Fault::kDomainXml, "missing 'usage' attribute for RAM filesystem");
  f.usage = ScaleToBytes(usage, element.AttrOr("units"), 1024);
}
void WriteRam(Formatter& f, const F& fs) {
  f.Attr("usage", fs.usage / 1024);
  f.Attr("units", "KiB");
}
constexpr RowOf<F> kSourceRows[] = {
    Attr<&F::source>("dir").When<&Is<FsType::kMount, FsType::kBind>>(),
    Attr<&F::socket>("socket").When<&Is<FsType::kMount>>(),
    Attr<&F::source>("dev").When<&Is<FsType::kBlock>>(),
    Attr<&F::source>("file").When<&Is<FsType::kFile>>(),
    Attr<&F::source>("name").When<&Is<FsType::kTemplate>>(),
    Custom<&ReadRam, &WriteRam>("@usage @units").When<&Is<FsType::kRam>>(),
    Attr<&F::source_pool>("pool").When<&Is<FsType::kVolume>>(),
    Attr<&F::source_volume>("volume").When<&Is<FsType::kVolume>>(),
};

constexpr RowOf<F> kCacheRows[] = {Attr<&F::cache>("mode").NonZero()};
constexpr RowOf<F> kSandboxRows[] = {Attr<&F::sandbox>("mode").NonZero()};
constexpr RowOf<F> kLockRows[] = {Attr<&F::lock_posix>("posix"), Attr<&F::lock_flock>("flock")};
constexpr RowOf<F> kThreadPoolRows[] = {Attr<&F::thread_pool_size>("size").With(kEmptyIsAbsent).Fails(Fault::kDomainXml)};
constexpr RowOf<F> kBinaryRows[] = {
    Attr<&F::binary>("path"),
    Attr<&F::xattr>("xattr"),
    Group("cache", kCacheRows),
    Group("sandbox", kSandboxRows),
    Group("lock", kLockRows),
    Group("thread_pool", kThreadPoolRows),
};
constexpr RowOf<F> kTargetRows[] = {Attr<&F::target>("dir")};

constexpr RowOf<F> kRows[] = {
    Attr<&F::type>("type"),
    Attr<&F::access_mode>("accessmode").NonZero(),
    Attr<&F::multidevs>("multidevs").SkipZero(),
    Attr<&F::fmode>("fmode").Octal(3),
    Attr<&F::dmode>("dmode").Octal(3),
    Attr<&F::model>("model").NonZero(),
    Group("driver", kDriverRows),
    Group("binary", kBinaryRows).When<&IsVirtiofs>(),
    Group("source", kSourceRows),
    Group("target", kTargetRows),
    Flag<&F::readonly>("readonly"),
    Include<&F::info>(kDeviceInfo),
    Size<&F::space_hard_limit>("space_hard_limit", kBytes),
    Size<&F::space_soft_limit>("space_soft_limit", kBytes),
};

void CheckFilesystem(Parser& p, F& fs, const xml::Node&) {
  if (fs.source.empty() && fs.socket.empty() && fs.type != FsType::kRam && fs.type != FsType::kVolume) {
    p.Fail(ErrorCode::kNoSource, fs.target);
  }
  if (fs.target.empty() && fs.socket.empty()) p.Fail(ErrorCode::kNoTarget, fs.source);
  for (auto* mode : {&fs.fmode, &fs.dmode}) {
    if (*mode > 0777u) p.Fail(Fault::kDomainXml, "invalid fmode or dmode");
    if (*mode == 0u) mode->reset();
  }
}

}  // namespace

constinit const Description<Filesystem> kFilesystem = Describe<&CheckFilesystem>(kRows);

}  // namespace bv::model
