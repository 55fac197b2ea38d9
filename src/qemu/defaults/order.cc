#include "qemu/defaults/order.h"

#include "qemu/defaults/controllers.h"
#include "qemu/defaults/drive_addresses.h"

namespace bv::qemu {

using namespace model;

namespace {

void InsertDisk(DomainDef::List<Disk>& list, std::unique_ptr<Disk> disk) {
  int index = static_cast<int>(DiskNameIndex(disk->dst).value_or(0));
  auto place = list.end();
  bool found = false;
  for (auto it = list.end(); it != list.begin();) {
    --it;
    if ((*it)->bus != disk->bus) continue;
    if (static_cast<int>(DiskNameIndex((*it)->dst).value_or(0)) > index) {
      place = it;
      found = true;
    } else if (!found) {
      place = it + 1;
      found = true;
    }
  }
  list.insert(place, std::move(disk));
}

}  // namespace

void OrderDisks(DomainDef& def) {
  DomainDef::List<Disk> disks;
  disks.swap(def.disks);
  for (auto& disk : disks) InsertDisk(def.disks, std::move(disk));
}

void OrderControllers(DomainDef& def) {
  DomainDef::List<Controller> controllers;
  controllers.swap(def.controllers);
  for (auto& controller : controllers) InsertController(def, std::move(controller));
}

}  // namespace bv::qemu
