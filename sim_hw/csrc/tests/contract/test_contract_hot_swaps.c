/** @file test_contract_hot_swaps.c */
#include "cases.h"
#include "rows.h"

int main(void) {
    contract_run(contract_hot_swaps, contract_hot_swap_count, contract_common_cases);
    contract_run(contract_hot_swaps, contract_hot_swap_count, contract_pmbus_cases);
    return 0;
}
