import type { MqttSubscription } from '../subscription-schema.ts'
import type { PayloadReader } from './format.ts'
export function makeSparkplugReader(_s: MqttSubscription): PayloadReader {
  return { read: () => undefined }
}
