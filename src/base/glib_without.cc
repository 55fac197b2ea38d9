// What this program has GLib without: all that its main loop never gets to, but which the linker would bring
// along because others mention it, such as 300 kB of tables about characters. As libxml2_without.cc, whose
// beginning says how that works.
#include <cstdio>
#include <cstdlib>
#include <cstring>

extern "C" {

// Failed assertions, in the shape of GLib's own.
void g_assertion_message(const char* domain, const char* file, int line, const char* function, const char* text) {
  std::fprintf(stderr, "%s:ERROR:%s:%d:%s: %s\n", domain ? domain : "", file, line, function, text ? text : "");
  std::abort();
}
void g_assertion_message_expr(const char* domain, const char* file, int line, const char* function, const char* expression) {
  g_assertion_message(domain, file, line, function, expression);
}
void g_assertion_message_cmpnum(const char* domain, const char* file, int line, const char* function, const char* expression,
                                long double, const char*, long double, char) {
  g_assertion_message(domain, file, line, function, expression);
}
int g_test_subprocess() { return 0; }

int g_strcmp0(const char* a, const char* b) {
  if (!a || !b) return (a != nullptr) - (b != nullptr);
  return std::strcmp(a, b);
}

// It prints our messages without a name in front, and looks for no temporary files.
const char* g_get_prgname() { return nullptr; }
const char* g_get_tmp_dir() { return "/tmp"; }

// Nobody comes here: structured logs of variants, characters beyond ASCII, parts of URIs.
#define BV_WITHOUT(function) \
  void function() { std::abort(); }

BV_WITHOUT(_uri_encoder)
BV_WITHOUT(g_str_to_ascii)
BV_WITHOUT(g_unichar_isalnum)
BV_WITHOUT(g_unichar_ismark)
BV_WITHOUT(g_utf8_casefold)
BV_WITHOUT(g_utf8_normalize)
BV_WITHOUT(g_variant_get_fixed_array)
BV_WITHOUT(g_variant_get_string)
BV_WITHOUT(g_variant_is_of_type)
BV_WITHOUT(g_variant_iter_init)
BV_WITHOUT(g_variant_iter_next)
BV_WITHOUT(g_variant_print)
BV_WITHOUT(g_variant_unref)
#undef BV_WITHOUT
}
