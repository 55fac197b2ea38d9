# What `make install`, `uninstall` and `dist` do. Included by the Makefile.

DESCRIBE := $(BUILD)/data/describe/describe
DESCRIBE_OBJECTS := $(patsubst %.cc,$(BUILD)/%.o,$(wildcard data/describe/*.cc))
DATA := $(BUILD)/data
unitdir = $(prefix)/lib/systemd/system

$(BUILD)/data/describe/%.o: COMPILE_FLAGS += -Idata/describe -Iapplets
$(DESCRIBE): $(DESCRIBE_OBJECTS) $(LIB_OBJECTS)
	$(call say,LINK)
	$(Q)rm -f $@.a; gcc-ar crs $@.a $(LIB_OBJECTS)
	$(Q)$(CXX) $(LINK_FLAGS) -o $@ $(DESCRIBE_OBJECTS) $(filter %_without.o,$(LIB_OBJECTS)) $@.a $(LIBS)
-include $(DESCRIBE_OBJECTS:.o=.d)

# Configuration templates, manual pages and units, all from the table of personalities.
data: $(DATA)/stamp
$(DATA)/stamp: $(DESCRIBE) $(wildcard systemd/* data/*.in) data/install.mk data/generate.sh
	$(call say,DATA)
	$(Q)data/generate.sh $(DESCRIBE) $(DATA) $(sbindir) $(sysconfdir) $(runstatedir)
	$(Q)for file in sysusers tmpfiles logrotate; do \
	  sed -e 's|@QEMU_USER@|$(QEMU_USER)|g' -e 's|@QEMU_GROUP@|$(QEMU_GROUP)|g' \
	    -e 's|@localstatedir@|$(localstatedir)|g' -e 's|@runstatedir@|$(runstatedir)|g' \
	    data/$$file.conf.in > $(DATA)/$$file.conf; done
	$(Q)touch $@

# `make install-files EXECUTABLE=... DATA=...` installs what is built, wherever that was.
EXECUTABLE := $(BUILD)/busyvirt
INSTALL_TO = data/install.sh $(1) '$(DESTDIR)' $(EXECUTABLE) $(DATA) prefix=$(prefix) bindir=$(bindir) sbindir=$(sbindir) \
	sysconfdir=$(sysconfdir) localstatedir=$(localstatedir) datadir=$(datadir) mandir=$(mandir) unitdir=$(unitdir)

install: all data
install install-files:
	$(Q)$(call INSTALL_TO,install)
uninstall: data
	$(Q)$(call INSTALL_TO,uninstall)

DIST := busyvirt-$(VERSION)
dist: configure
	$(Q)git archive --prefix=$(DIST)/ --add-file=configure -o $(DIST).tar HEAD
	$(Q)gzip -9nf $(DIST).tar
	@echo "$(DIST).tar.gz"
.PHONY: data install install-files uninstall dist
