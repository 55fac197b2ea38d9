// Debian's libxml2.a asks ICU for encodings that neither it nor iconv knows. The documents of this
// program are UTF-8, so these symbols stand in for 31 MB of Unicode tables: opening such a
// converter fails, and libxml2 reports an unsupported encoding.

extern "C" {

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
}
