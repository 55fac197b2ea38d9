// What this program has libxml2 without: parts of its archive that reading a UTF-8 document from memory
// never gets to, but which the linker would bring along because others mention them. The symbols here stand
// in for them: for 31 MB of Unicode tables, and for 600 kB of HTML, HTTP, XML Schema, XPath and the like. A part
// that comes to be needed makes the link fail with a symbol defined twice: take it off the list then.

extern "C" {

// ICU, which Debian's build asks about encodings that neither it nor iconv knows: opening such a converter
// fails, and libxml2 reports an unsupported encoding.
void* ucnv_open_72(const char*, int* status) {
  constexpr int kUnsupported = 16;  // U_UNSUPPORTED_ERROR
  if (status) *status = kUnsupported;
  return nullptr;
}
void ucnv_close_72(void*) {}
void ucnv_convertEx_72() {}
void ucnv_setFromUCallBack_72() {}
void ucnv_setToUCallBack_72() {}
void UCNV_FROM_U_CALLBACK_STOP_72() {}
void UCNV_TO_U_CALLBACK_STOP_72() {}

#define BV_WITHOUT(function) \
  void* function() { return nullptr; }

// HTML
BV_WITHOUT(UTF8ToHtml)
BV_WITHOUT(__htmlParseContent)
BV_WITHOUT(htmlCreateMemoryParserCtxt)
BV_WITHOUT(htmlDocContentDumpFormatOutput)
BV_WITHOUT(htmlGetMetaEncoding)
BV_WITHOUT(htmlInitAutoClose)
BV_WITHOUT(htmlIsBooleanAttr)
BV_WITHOUT(htmlNewDocNoDtD)
BV_WITHOUT(htmlNodeDumpFormatOutput)
BV_WITHOUT(htmlNodeDumpOutput)
BV_WITHOUT(htmlSetMetaEncoding)

// compressed files
BV_WITHOUT(__libxml2_xzclose)
BV_WITHOUT(__libxml2_xzcompressed)
BV_WITHOUT(__libxml2_xzdopen)
BV_WITHOUT(__libxml2_xzopen)
BV_WITHOUT(__libxml2_xzread)
BV_WITHOUT(crc32)
BV_WITHOUT(deflate)
BV_WITHOUT(deflateEnd)
BV_WITHOUT(deflateInit2_)
BV_WITHOUT(gzclose)
BV_WITHOUT(gzdirect)
BV_WITHOUT(gzdopen)
BV_WITHOUT(gzopen64)
BV_WITHOUT(gzread)
BV_WITHOUT(gzwrite)

// the network
BV_WITHOUT(xmlNanoFTPClose)
BV_WITHOUT(xmlNanoFTPOpen)
BV_WITHOUT(xmlNanoFTPRead)
BV_WITHOUT(xmlNanoHTTPClose)
BV_WITHOUT(xmlNanoHTTPEncoding)
BV_WITHOUT(xmlNanoHTTPMethod)
BV_WITHOUT(xmlNanoHTTPMimeType)
BV_WITHOUT(xmlNanoHTTPOpen)
BV_WITHOUT(xmlNanoHTTPRead)
BV_WITHOUT(xmlNanoHTTPRedir)
BV_WITHOUT(xmlNanoHTTPReturnCode)

// catalogs
BV_WITHOUT(xmlCatalogAddLocal)
BV_WITHOUT(xmlCatalogCleanup)
BV_WITHOUT(xmlCatalogFreeLocal)
BV_WITHOUT(xmlCatalogGetDefaults)
BV_WITHOUT(xmlCatalogLocalResolve)
BV_WITHOUT(xmlCatalogLocalResolveURI)
BV_WITHOUT(xmlCatalogResolve)
BV_WITHOUT(xmlCatalogResolveURI)

// XPath, of which RELAX NG's numbers use these few
BV_WITHOUT(xmlXPathInit)
double xmlXPathNAN = __builtin_nan(""), xmlXPathPINF = __builtin_inf(), xmlXPathNINF = -__builtin_inf();
int xmlXPathIsNaN(double number) { return __builtin_isnan(number); }
#undef BV_WITHOUT
}
