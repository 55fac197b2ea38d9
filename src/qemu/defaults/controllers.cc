#include "qemu/defaults/controllers.h"

#include <algorithm>

namespace bv::qemu {

using namespace model;

Controller* FindController(const DomainDef& def, ControllerType type, unsigned index) {
  for (auto& controller : def.controllers) {
    if (controller->type == type && controller->index == index) return controller.get();
  }
  return nullptr;
}

Controller& InsertController(DomainDef& def, std::unique_ptr<Controller> added) {
  auto& list = def.controllers;
  auto place = list.end();
  bool behind_its_kind = false;
  for (auto it = list.end(); it != list.begin();) {
    --it;
    const Controller& current = **it;
    if (current.type != added->type) continue;
    if (!added->index) {  // its number is not known yet: last of its kind
      place = it + 1;
      break;
    }
    bool added_is_master = !added->info.master_startport && current.info.master_startport && current.index == added->index;
    if (current.index > added->index || added_is_master) {
      place = it;
      behind_its_kind = true;
    } else if (!behind_its_kind) {
      place = it + 1;
      behind_its_kind = true;
    }
  }
  return **list.insert(place, std::move(added));
}

Controller& EnsureController(DomainDef& def, ControllerType type, unsigned index, ControllerModel model) {
  if (Controller* found = FindController(def, type, index)) return *found;
  auto controller = std::make_unique<Controller>();
  controller->type = type;
  controller->index = index;
  controller->model = model;
  def.controllers.push_back(std::move(controller));
  return *def.controllers.back();
}

bool IsIch9Usb2(const Controller& controller) {
  return controller.type == ControllerType::kUsb &&
         (controller.model == ControllerModel::kIch9Ehci1 || controller.model == ControllerModel::kIch9Uhci1 ||
          controller.model == ControllerModel::kIch9Uhci2 || controller.model == ControllerModel::kIch9Uhci3);
}

namespace {

unsigned FirstUnusedIndex(const DomainDef& def, ControllerType type) {
  for (unsigned index = 0;; ++index) {
    if (!FindController(def, type, index)) return index;
  }
}

}  // namespace

void AssignControllerIndexes(DomainDef& def) {
  auto& list = def.controllers;
  for (std::size_t i = 0; i < list.size(); ++i) {
    Controller& controller = *list[i];
    if (controller.index) continue;
    // Companions belong to the USB 2 controller they were written next to.
    Controller* partner = i > 0 ? list[i - 1].get() : nullptr;
    if (IsIch9Usb2(controller) && partner && IsIch9Usb2(*partner) && partner->index) {
      bool taken = std::ranges::any_of(list, [&](auto& other) {
        return other.get() != &controller && other->type == controller.type && other->index == partner->index &&
               other->model == controller.model;
      });
      if (!taken) controller.index = partner->index;
    }
    if (!controller.index) controller.index = FirstUnusedIndex(def, controller.type);
  }
}

}  // namespace bv::qemu
