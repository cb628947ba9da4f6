/** @file test_contract_regulators.c */
#include "cases.h"
#include "rows.h"

int main(void) {
    contract_run(contract_regulators, contract_regulator_count, contract_common_cases);
    contract_run(contract_regulators, contract_regulator_count, contract_pmbus_cases);
    return 0;
}
