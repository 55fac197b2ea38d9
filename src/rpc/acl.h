#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string_view>

// Which permission a procedure needs: libvirt's access control model (polkit actions are
// "org.libvirt.api.OBJECT.PERMISSION" with dashes for underscores).

namespace bv::rpc {

// Object and permission in one. acl.cc has their names, in this order.
enum class Permission : uint8_t {
  kNone,
  kConnectDetectStoragePools,
  kConnectGetattr,
  kConnectInterfaceTransaction,
  kConnectPmControl,
  kConnectRead,
  kConnectSearchDomains,
  kConnectSearchInterfaces,
  kConnectSearchNetworks,
  kConnectSearchNodeDevices,
  kConnectSearchNwfilterBindings,
  kConnectSearchNwfilters,
  kConnectSearchSecrets,
  kConnectSearchStoragePools,
  kConnectWrite,
  kDomainBlockRead,
  kDomainBlockWrite,
  kDomainCheckpoint,
  kDomainCoreDump,
  kDomainDelete,
  kDomainFsFreeze,
  kDomainFsTrim,
  kDomainGetattr,
  kDomainHibernate,
  kDomainInitControl,
  kDomainInjectNmi,
  kDomainMemRead,
  kDomainMigrate,
  kDomainOpenDevice,
  kDomainOpenGraphics,
  kDomainOpenNamespace,
  kDomainPmControl,
  kDomainRead,
  kDomainReadSecure,
  kDomainReset,
  kDomainSave,
  kDomainScreenshot,
  kDomainSendInput,
  kDomainSendSignal,
  kDomainSetPassword,
  kDomainSetTime,
  kDomainSnapshot,
  kDomainStart,
  kDomainStop,
  kDomainSuspend,
  kDomainWrite,
  kInterfaceDelete,
  kInterfaceGetattr,
  kInterfaceRead,
  kInterfaceSave,
  kInterfaceStart,
  kInterfaceStop,
  kInterfaceWrite,
  kNetworkDelete,
  kNetworkGetattr,
  kNetworkRead,
  kNetworkSave,
  kNetworkSearchPorts,
  kNetworkStart,
  kNetworkStop,
  kNetworkWrite,
  kNetworkPortCreate,
  kNetworkPortDelete,
  kNetworkPortGetattr,
  kNetworkPortRead,
  kNetworkPortWrite,
  kNodeDeviceDelete,
  kNodeDeviceDetach,
  kNodeDeviceGetattr,
  kNodeDeviceRead,
  kNodeDeviceStart,
  kNodeDeviceStop,
  kNodeDeviceWrite,
  kNwfilterDelete,
  kNwfilterGetattr,
  kNwfilterRead,
  kNwfilterSave,
  kNwfilterWrite,
  kNwfilterBindingCreate,
  kNwfilterBindingDelete,
  kNwfilterBindingGetattr,
  kNwfilterBindingRead,
  kSecretDelete,
  kSecretGetattr,
  kSecretRead,
  kSecretReadSecure,
  kSecretSave,
  kSecretWrite,
  kStoragePoolDelete,
  kStoragePoolFormat,
  kStoragePoolGetattr,
  kStoragePoolRead,
  kStoragePoolRefresh,
  kStoragePoolSave,
  kStoragePoolSearchStorageVols,
  kStoragePoolStart,
  kStoragePoolStop,
  kStoragePoolWrite,
  kStorageVolCreate,
  kStorageVolDataRead,
  kStorageVolDataWrite,
  kStorageVolDelete,
  kStorageVolFormat,
  kStorageVolGetattr,
  kStorageVolRead,
  kStorageVolResize,
};

// "connect", "domain", "storage_pool" ...
std::string_view ObjectName(Permission permission);
// "getattr", "block_read" ...
std::string_view PermissionName(Permission permission);
// Whether a connection opened read-only may use it.
bool ReadOnlyAllows(Permission permission);

// One permission, needed when the condition on an argument holds.
struct AclRow {
  enum class When : uint8_t {
    kAlways,
    kAllSet,    // all bits of `value` are set in args.flags
    kAllClear,  // none of them is
    kEquals,    // args.source equals `value`
  };
  constexpr AclRow() = default;
  constexpr AclRow(Permission need) : need(need) {}  // NOLINT: a bare permission is a row
  constexpr AclRow(Permission need, When when, uint32_t value) : need(need), when(when), value(value) {}

  Permission need = Permission::kNone;
  When when = When::kAlways;
  uint32_t value = 0;
};

constexpr AclRow IfSet(Permission need, uint32_t flags) { return {need, AclRow::When::kAllSet, flags}; }
constexpr AclRow IfClear(Permission need, uint32_t flags) { return {need, AclRow::When::kAllClear, flags}; }
constexpr AclRow IfSource(Permission need, uint32_t source) { return {need, AclRow::When::kEquals, source}; }

// The rows of a procedure, all of which must pass; empty needs nothing.
class AclRows {
 public:
  constexpr AclRows() = default;
  constexpr AclRows(std::initializer_list<AclRow> rows) {
    for (const AclRow& row : rows) rows_[size_++] = row;
  }
  constexpr const AclRow* begin() const { return rows_.data(); }
  constexpr const AclRow* end() const { return rows_.data() + size_; }
  constexpr size_t size() const { return size_; }

 private:
  std::array<AclRow, 4> rows_{};
  uint8_t size_ = 0;
};

}  // namespace bv::rpc
