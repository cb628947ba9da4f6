/** @file test_contract_sensors.c */
#include "cases.h"
#include "rows.h"

int main(void) {
    contract_run(contract_sensors, contract_sensor_count, contract_common_cases);
    contract_run(contract_sensors, contract_sensor_count, contract_sensor_cases);
    return 0;
}
