#pragma once

#include <string>

#include "base/error.h"
#include "rpc/procedure.h"

namespace bv::rpc {

// The public API function behind a procedure ("virDomainGetXMLDesc"): messages name it.
std::string ApiName(const Program& program, const Procedure& procedure);
// The error domain that the API layer reports in for it.
ErrorDomain ApiDomain(const Program& program, const Procedure& procedure);

// Whether the condition of `row` holds for the decoded `args`.
bool Applies(const AclRow& row, const Procedure& procedure, const void* args);

// Throws VIR_ERR_OPERATION_DENIED when a read-only connection may not make this call.
void CheckReadOnly(const Program& program, const Procedure& procedure, const void* args);

// VIR_ERR_NO_SUPPORT for a procedure that no driver of the connection has.
Error NoSupport(const Program& program, const Procedure& procedure);

}  // namespace bv::rpc
