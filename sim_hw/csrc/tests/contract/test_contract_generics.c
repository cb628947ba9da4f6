/** @file test_contract_generics.c */
#include "cases.h"
#include "rows.h"

/** A part that nobody can make sick, as on a real bench: the cases that only look still run. */
static void a_real_part_is_held_to_what_can_be_seen(void) {
    contract_part_t row = contract_generics[1];
    row.set_truth = NULL;
    contract_run(&row, 1, contract_common_cases);
    contract_run(&row, 1, contract_pmbus_cases);
}

int main(void) {
    contract_run(contract_generics, contract_generic_count, contract_common_cases);
    contract_run(contract_generics, contract_generic_count, contract_pmbus_cases);
    a_real_part_is_held_to_what_can_be_seen();
    return 0;
}
