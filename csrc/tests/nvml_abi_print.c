/* Prints one line per row of nvml_abi_rows.h, under NVIDIA's names: compiled with our header and,
   with THEIRS defined, with NVIDIA's. Built by tests/unit/test_nvml_abi.py. */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#ifdef THEIRS
#define NVML_NO_UNVERSIONED_FUNC_DEFS
#include <nvml.h>
#define PICK(ours, theirs) theirs
#define ADDRESS_SIZE(symbol) sizeof(&symbol) /* declared: nothing is linked */
#else
#include "../device/nvml_abi.h"
#define PICK(ours, theirs) ours
#define ADDRESS_SIZE(symbol) sizeof(ns_nvml_void_fn)
#endif

int main(void) {
#define TYPE(ours, theirs) (void)printf("sizeof:%s %zu\n", #theirs, sizeof(PICK(ours, theirs)));
#define FIELD(ours, our_member, theirs, their_member)                                              \
    (void)printf("offset:%s.%s %zu %zu\n", #theirs, #their_member,                                 \
                 offsetof(PICK(ours, theirs), PICK(our_member, their_member)),                     \
                 sizeof(((PICK(ours, theirs) *)0)->PICK(our_member, their_member)));
#define VALUE(ours, theirs)                                                                        \
    (void)printf("value:%s %llu\n", #theirs, (unsigned long long)(PICK(ours, theirs)));
#define FUNCTION(symbol) (void)printf("function:%s %zu\n", #symbol, ADDRESS_SIZE(symbol));
#include "nvml_abi_rows.h"
    return 0;
}
