import { openModbusSimulator } from '../adapters/modbus/simulator.ts'

/**
 * A Modbus TCP server in a process of its own: prints its port, answers every read with changing registers. For a line
 * with a period (ms) on its stdin it prints the 99th percentile of the jitter since the last one: how far the times
 * between two reads of the same registers are from the period, ms.
 */
/** Registers of 8,192 float32 values between 20 and 30, as a sensor measures them: with all digits a float32 has. */
const registers = Buffer.alloc(8_192 * 4)
for (let i = 0; i < 8_192; i++) registers.writeFloatBE(25 + 5 * Math.sin(i), i * 4)
let ticks = 0
const last = new Map<number, number>()
let jitters: number[] = []
let period = 0
const server = await openModbusSimulator({
  read(_unit, _table, address, quantity) {
    const now = performance.now()
    const before = last.get(address)
    if (period > 0 && before !== undefined) jitters.push(Math.abs(now - before - period))
    if (period > 0) last.set(address, now)
    ticks += 2 // whole values
    return Array.from({ length: quantity }, (_, i) => registers.readUInt16BE(((address + i + ticks) * 2) & 0x7ffe))
  },
})
console.log(server.port)
process.stdin.on('data', (line) => {
  period = Number(String(line))
  jitters.sort((a, b) => a - b)
  console.log(jitters[Math.floor(jitters.length * 0.99)] ?? 0)
  jitters = []
  last.clear()
})
process.stdin.on('end', () => process.exit())
