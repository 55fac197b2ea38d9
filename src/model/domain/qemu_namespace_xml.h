#pragma once

#include "model/describe/engine.h"
#include "model/domain/qemu_namespace.h"

// The elements of the qemu namespace: rows bind elements of no namespace, so these are read by hand.
namespace bv::model {

void ReadQemuNamespace(Parser& parser, QemuNamespace& q, const xml::Node& domain);
// xmlns:qemu on the root element, when anything of it is used.
void WriteQemuNamespaceDeclaration(Formatter& formatter, const QemuNamespace& q);
void WriteQemuNamespace(Formatter& formatter, const QemuNamespace& q);

}  // namespace bv::model
