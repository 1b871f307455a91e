import { openModbusSimulator } from '../adapters/modbus/simulator.ts'

/** A Modbus TCP server in a process of its own: prints its port, answers every read with changing registers. */
let ticks = 0
const server = await openModbusSimulator({
  read: (_unit, _table, address, quantity) =>
    Array.from({ length: quantity }, (_, i) => (address + i + ticks++) & 0x3fff),
})
console.log(server.port)
process.stdin.resume().on('end', () => process.exit())
