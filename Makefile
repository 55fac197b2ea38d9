# busyvirt: one hand-written, non-recursive Makefile. It finds its sources: a new file edits nothing here.
#
#   make                 the executable, in $(BUILD)/busyvirt
#   make DEV=1           quick unoptimised build in build-dev, for working on the code
#   make SANITIZE=1 ...  the same with AddressSanitizer and UBSan, in build-asan
#   make static          one file without any shared library, for FROM scratch images: build-static/busyvirt
#   make check demo bench fuzz      see README; SANITIZE=1 works with check

ifdef FUZZ
BUILD ?= build-fuzz
else ifdef STATIC
BUILD ?= build-static
else ifdef SANITIZE
BUILD ?= build-asan
else ifdef DEV
BUILD ?= build-dev
else
BUILD ?= build
endif

# As many jobs as processors unless -j says otherwise.
ifeq ($(MAKELEVEL),0)
MAKEFLAGS += -j$(shell nproc)
endif

# `make V=1` shows whole commands.
Q := $(if $(V),,@)
say = $(if $(V),@:,@echo "  $(1) $@")

all: $(BUILD)/busyvirt
.PHONY: all static check demo bench fuzz fuzz-programs unit test-programs clean distclean

# The goals that promise to install what they need do so before anything is configured.
SETUP := $(patsubst %,setup-%,$(filter check demo bench fuzz,$(MAKECMDGOALS)))
.PHONY: setup-check setup-demo setup-bench setup-fuzz
setup-check:
	@tests/tools/setup.sh build unit
	@tests/tools/setup.sh boot || echo "setup: booting a machine will be skipped"
	@tests/tools/setup.sh guests kernel || echo "setup: tests with guests will be skipped"
	@tests/tools/setup.sh auth || echo "setup: tests of TLS, SASL, Kerberos and polkit will be skipped"
	@tests/tools/setup.sh fuzz || echo "setup: fuzzers will be skipped"
setup-fuzz:
	@tests/tools/setup.sh build fuzz
setup-demo setup-bench:
	@tests/tools/setup.sh $(@:setup-%=%)

configure: configure.ac | $(SETUP)
	autoconf
config.mk: configure data/config.mk.in
	./configure $(CONFIGURE_FLAGS)
ifeq ($(filter clean distclean,$(MAKECMDGOALS)),)
include config.mk
endif

# --- flags ---------------------------------------------------------------------------------------
ifdef FUZZ
override CXX := clang++-16
MODE_FLAGS := -O1 -g1 -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined -fno-sanitize=function -w
MODE_LDFLAGS := -fuse-ld=lld -fsanitize=fuzzer,address,undefined -fno-sanitize=function
else ifdef SANITIZE
MODE_FLAGS := -O1 -g1 -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
MODE_LDFLAGS := $(MODE_FLAGS)
else ifdef DEV
MODE_FLAGS := -O0 -g1
MODE_LDFLAGS := -fuse-ld=lld
else
MODE_FLAGS := $(CXXFLAGS) -D_FORTIFY_SOURCE=2
PRECOMPILED := $(BUILD)/precompiled.h
# Most of it waits for QEMU, a disk or a client: it is made small (-Os halves it) and only what every message,
# document and turn of the loop goes through is made fast.
HOT_ROOMS := base rpc model/describe
# Of the domain language, what guests have most of: the rest of it would grow by more than it gains.
HOT_FILES := $(addprefix model/domain/,address check controller disk domain interface storage_source)
COLD_FLAGS := $(if $(filter -O2,$(CXXFLAGS)),-Os)
# Before a shared libc only: the compiler goes back to shared libraries behind these two.
MODE_LDFLAGS := $(if $(STATIC),,-static-libstdc++ -static-libgcc) -Wl,-z,pack-relative-relocs
ifeq ($(ENABLE_LTO),yes)
MODE_FLAGS += -flto=auto
MODE_LDFLAGS += -O2 -flto=auto
endif
endif

# What is built to be run once, by `make check` on a clean tree, is built like the optimised build in that.
ifdef PRECOMPILE
PRECOMPILED := $(BUILD)/precompiled.h
endif

PIE := -pie
ifdef STATIC
# What is loaded when it is needed cannot be: no TLS, SASL or polkit. It stands on its own instead.
override WITH_SYSTEMD := no
override WITH_GNUTLS := no
override WITH_SASL := no
STATIC_DEFINES := -DBV_STATIC
PIE := -static-pie
endif

COMPILE_FLAGS := -std=c++20 -Wall -Wextra -Wno-missing-field-initializers -pthread -fPIE -ffunction-sections -fdata-sections \
	-fstack-protector-strong -fcf-protection -Isrc -I$(BUILD)/gen $(LIB_CFLAGS) $(CPPFLAGS) $(MODE_FLAGS)
LINK_FLAGS := -pthread $(PIE) -Wl,--gc-sections -Wl,-z,relro,-z,now -Wl,--as-needed $(MODE_LDFLAGS) $(LDFLAGS)
LIBS := -Wl,-Bstatic -lxml2 -lglib-2.0 -lpcre2-8 -ljson-c -lzstd -lnettle $(if $(STATIC),,-Wl,-Bdynamic) -lm -ldl

WITH_DEFINES := $(foreach library,SYSTEMD GNUTLS SASL,$(if $(filter yes,$(WITH_$(library))),-DBV_WITH_$(library)))
DIR_DEFINES := $(WITH_DEFINES) $(STATIC_DEFINES) -DBV_VERSION='"$(VERSION)"' -DBV_SYSCONFDIR='"$(sysconfdir)"' -DBV_LOCALSTATEDIR='"$(localstatedir)"' \
	-DBV_RUNSTATEDIR='"$(runstatedir)"' -DBV_SBINDIR='"$(sbindir)"' -DBV_DATADIR='"$(datadir)"' \
	-DBV_LOCALEDIR='"$(localedir)"' -DBV_QEMU_USER='"$(QEMU_USER)"' -DBV_QEMU_GROUP='"$(QEMU_GROUP)"'

# --- objects -------------------------------------------------------------------------------------
SOURCES := $(shell find src applets -name '*.cc' | LC_ALL=C sort)
OBJECTS := $(SOURCES:%.cc=$(BUILD)/%.o)
LIB_OBJECTS := $(filter-out $(BUILD)/applets/main.o,$(OBJECTS))
UNIT_SOURCES := $(shell find tests/unit -name '*.cc' | LC_ALL=C sort)
UNIT_OBJECTS := $(UNIT_SOURCES:%.cc=$(BUILD)/%.o)
WIRE_SOURCES := $(shell find tests/wire -name '*.cc' 2>/dev/null | LC_ALL=C sort)
WIRE_OBJECTS := $(WIRE_SOURCES:%.cc=$(BUILD)/%.o)
RUNNER_OBJECTS := $(BUILD)/tests/unit/main.o $(BUILD)/tests/cmocka/report.o
CMOCKA_OBJECTS := $(patsubst %,$(BUILD)/tests/cmocka/%.o,asserts memory mocks report run)

$(BUILD)/busyvirt: $(OBJECTS)
	$(call say,LINK)
	$(Q)$(CXX) $(LINK_FLAGS) -o $@ $^ $(LIBS)

$(BUILD)/unit_tests: $(LIB_OBJECTS) $(UNIT_OBJECTS)
$(BUILD)/wire_tests: $(LIB_OBJECTS) $(WIRE_OBJECTS)
$(BUILD)/unit_tests $(BUILD)/wire_tests: $(RUNNER_OBJECTS)
	$(call say,LINK)
	$(Q)$(CXX) $(LINK_FLAGS) -o $@ $(sort $^) -lgtest $(LIBS)

# Executables without one of the optional libraries, for tests: what depends on it is compiled once more.
OPTIONS := systemd gnutls sasl
OPTION_OBJECTS := $(patsubst %.cc,%.o,$(shell grep -lrE 'BV_WITH_|"daemon/(bus|gnutls|sasl_transport)' src --include=*.cc))
OPTION_PROGRAMS := $(OPTIONS:%=$(BUILD)/without-%/busyvirt)
define WITHOUT
$(BUILD)/without-$(1)/%.o: %.cc config.mk
	@mkdir -p $$(@D)
	$$(call say,CXX )
	$$(Q)$$(CXX) $$(COMPILE_FLAGS) $$(DIR_DEFINES) -UBV_WITH_$(shell echo $(1) | tr a-z A-Z) -MMD -MP -c -o $$@ $$<
$(BUILD)/without-$(1)/busyvirt: $(OPTION_OBJECTS:%=$(BUILD)/without-$(1)/%) $(filter-out $(OPTION_OBJECTS:%=$(BUILD)/%),$(OBJECTS))
	$$(call say,LINK)
	$$(Q)$$(CXX) $$(LINK_FLAGS) -o $$@ $$^ $$(LIBS)
-include $(OPTION_OBJECTS:%.o=$(BUILD)/without-$(1)/%.d)
endef
$(foreach option,$(OPTIONS),$(eval $(call WITHOUT,$(option))))

BENCH_OBJECTS := $(patsubst %.cc,$(BUILD)/%.o,$(filter-out %/echo.cc,$(wildcard tests/bench/*.cc)))
# From an archive, so that only what the tool uses is linked once more; what stands in for parts of the static
# libraries is wanted only after the archive was read.
$(BUILD)/bench: $(BENCH_OBJECTS) $(LIB_OBJECTS) $(BUILD)/bench-echo
	$(call say,LINK)
	$(Q)rm -f $(BUILD)/lib.a; gcc-ar crs $(BUILD)/lib.a $(LIB_OBJECTS)
	$(Q)$(CXX) $(LINK_FLAGS) -o $@ $(BENCH_OBJECTS) $(filter %_without.o,$(LIB_OBJECTS)) $(BUILD)/lib.a $(LIBS)
$(BUILD)/bench-echo: tests/bench/echo.cc
	$(call say,CXX )
	$(Q)$(CXX) -std=c++20 -O2 -static -fno-exceptions -fno-rtti -o $@ $<

# Fuzzers of what reads bytes from outside, by libFuzzer; only the rooms that read are built for it.
FUZZ_SOURCES := $(wildcard tests/fuzz/fuzz_*.cc)
FUZZ_PROGRAMS := $(FUZZ_SOURCES:tests/fuzz/%.cc=$(BUILD)/%)
FUZZ_OBJECTS := $(FUZZ_SOURCES:%.cc=$(BUILD)/%.o)
FUZZ_ROOMS := base rpc protocol model upgrade daemon cpu
# of rooms that a fuzzer needs little of
FUZZ_FILES := qemu/migration/cookie qemu/migration/statistics storage/logical_report storage/partition_table \
	storage/iscsi_report
FUZZ_LIB_OBJECTS := $(filter $(FUZZ_ROOMS:%=$(BUILD)/src/%/%.o) $(BUILD)/src/logd/log_state.o $(BUILD)/src/lockd/lock_state.o \
	$(FUZZ_FILES:%=$(BUILD)/src/%.o),$(LIB_OBJECTS))
$(BUILD)/fuzz.a: $(FUZZ_LIB_OBJECTS)
	$(Q)rm -f $@; ar crs $@ $^
$(BUILD)/fuzz_%: $(BUILD)/tests/fuzz/fuzz_%.o $(BUILD)/fuzz.a
	$(call say,LINK)
	$(Q)$(CXX) $(LINK_FLAGS) -o $@ $^ $(LIBS)
.SECONDARY: $(FUZZ_OBJECTS)

# The compiler takes the .gch beside what -include names.
ifdef PRECOMPILED
$(BUILD)/src/%.o $(BUILD)/applets/%.o: HOW := -include $(PRECOMPILED) $(COLD_FLAGS)
ifdef HOT_ROOMS
$(foreach room,$(HOT_ROOMS),$(BUILD)/src/$(room)/%.o): HOW :=
$(HOT_FILES:%=$(BUILD)/src/%.o): HOW :=
else
$(BUILD)/tests/unit/%.o $(BUILD)/tests/wire/%.o: HOW := -include $(PRECOMPILED)
$(UNIT_OBJECTS) $(WIRE_OBJECTS): $(PRECOMPILED).gch
endif
$(OBJECTS): $(PRECOMPILED).gch
$(PRECOMPILED): applets/precompiled.h
	@mkdir -p $(@D)
	$(Q)cp $< $@
$(PRECOMPILED).gch: $(PRECOMPILED) config.mk
	$(call say,CXX )
	$(Q)$(CXX) $(COMPILE_FLAGS) $(COLD_FLAGS) $(DIR_DEFINES) -MMD -MP -MF $(PRECOMPILED).d -MT $@ -x c++-header -o $@ $<
-include $(PRECOMPILED).d
endif

$(BUILD)/tests/%.o: tests/%.cc config.mk
	@mkdir -p $(@D)
	$(call say,CXX )
	$(Q)$(CXX) $(COMPILE_FLAGS) $(HOW) -Itests $(DIR_DEFINES) -MMD -MP -c -o $@ $<

$(BUILD)/%.o: %.cc config.mk
	@mkdir -p $(@D)
	$(call say,CXX )
	$(Q)$(CXX) $(COMPILE_FLAGS) $(HOW) $(DIR_DEFINES) -MMD -MP -c -o $@ $<

# A data file as a string literal: $(BUILD)/gen/cpu/x86.map.inc from data/cpu/x86.map.
$(BUILD)/gen/cpu/%.inc: data/cpu/%
	@mkdir -p $(@D)
	$(Q){ echo 'R"map('; cat $<; echo ')map"'; } > $@
$(BUILD)/src/cpu/x86_map.o: $(BUILD)/gen/cpu/x86.map.inc

-include $(patsubst %.o,%.d,$(OBJECTS) $(UNIT_OBJECTS) $(WIRE_OBJECTS) $(RUNNER_OBJECTS) $(CMOCKA_OBJECTS) $(BENCH_OBJECTS) $(FUZZ_OBJECTS))

# --- tests ---------------------------------------------------------------------------------------
unit: $(BUILD)/unit_tests
	$(BUILD)/unit_tests --gtest_brief=1

# Test programs are built without optimisation, beside a release build, unless it is a sanitized one.
TEST_MODE := $(if $(DEV)$(SANITIZE),,DEV=1 PRECOMPILE=1)
test-programs: data $(BUILD)/unit_tests $(if $(WIRE_SOURCES),$(BUILD)/wire_tests) $(CMOCKA_OBJECTS) $(OPTION_PROGRAMS)
check: all | $(SETUP)
	+@$(MAKE) --no-print-directory $(TEST_MODE) test-programs
	+@! command -v clang++-16 >/dev/null || $(MAKE) --no-print-directory FUZZ=1 PRECOMPILE=1 SANITIZE= DEV= fuzz-programs
	@tests/tools/check.sh $(BUILD) $(if $(TEST_MODE),build-dev,$(BUILD)) $(PARTS)

# Its warnings about getpwnam and the like can be ignored: names are looked up without plug-ins.
static:
	+@$(MAKE) --no-print-directory STATIC=1 DEV= SANITIZE= all

# A real guest in our own daemon, for people to watch.
demo: all | $(SETUP)
	@tests/tools/demo.sh $(BUILD)/busyvirt

# Our daemons beside Debian's, as a table. BENCH: topics or --quick.
bench: all $(BUILD)/bench | $(SETUP)
	@tests/bench/run.sh $(BUILD) $(BENCH)

# Every fuzzer for FUZZ_SECONDS; what breaks one is left in build-fuzz.
fuzz-programs: $(FUZZ_PROGRAMS)
fuzz: | $(SETUP)
	+@$(MAKE) --no-print-directory FUZZ=1 fuzz-programs
	@FUZZ_SECONDS=$(or $(FUZZ_SECONDS),60) tests/tools/fuzz.sh build-fuzz

# --- installation --------------------------------------------------------------------------------
include data/install.mk

# --- cleaning ------------------------------------------------------------------------------------
clean:
	rm -rf build build-dev build-asan build-fuzz build-static
distclean: clean
	rm -rf $(if $(wildcard .git),configure) configure~ config.mk config.log config.status autom4te.cache busyvirt-*.tar.gz
