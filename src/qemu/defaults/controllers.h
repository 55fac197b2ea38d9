#pragma once

#include <memory>

#include "model/domain/domain.h"

namespace bv::qemu {

// The list of controllers, in the order in which libvirt keeps it.

// The first controller of a type with an index; null when there is none.
model::Controller* FindController(const model::DomainDef& def, model::ControllerType type, unsigned index);

// Puts a controller of a document where it belongs: behind the last of its type with a lower index, a
// USB 2 master before its companions.
model::Controller& InsertController(model::DomainDef& def, std::unique_ptr<model::Controller> controller);

// The controller that is there, or a new one at the end of the list.
model::Controller& EnsureController(model::DomainDef& def, model::ControllerType type, unsigned index,
                                    model::ControllerModel model = model::ControllerModel::kDefault);

// Numbers controllers that were written without an index, and gives USB companions their master's ports.
void AssignControllerIndexes(model::DomainDef& def);

// One of the four devices that make up an ICH9 USB 2 controller in one PCI slot.
bool IsIch9Usb2(const model::Controller& controller);

}  // namespace bv::qemu
