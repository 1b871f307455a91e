import type { ModbusSourceConfig } from '../../adapters/modbus/schema.ts'
import type { MqttSourceConfig } from '../../adapters/mqtt/schema.ts'
import type { Source, SourceContext } from '../../adapters/source.ts'

export type SourceConfig = ModbusSourceConfig | MqttSourceConfig

/**
 * Opens a configured source. Protocol libraries are loaded only for the kinds a configuration uses.
 * @throws Fault where the other side cannot be reached or refuses.
 */
export async function openSource(config: SourceConfig, context: SourceContext): Promise<Source> {
  switch (config.kind) {
    case 'modbus':
      return (await import('../../adapters/modbus/adapter.ts')).openModbusSource(config, context)
    case 'mqtt':
      return (await import('../../adapters/mqtt/adapter.ts')).openMqttSource(config, context)
  }
}
