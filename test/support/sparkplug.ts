import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire'

/** A metric of a Sparkplug payload; `float` or `int` is its value. */
export interface TestMetric {
  readonly name?: string
  readonly alias?: number
  readonly datatype?: number
  readonly int?: number
  readonly float?: number
}

/** A Sparkplug B payload (Sparkplug 3.0 §6.4.4). */
export function sparkplugPayload(seq: number | undefined, ...metrics: readonly TestMetric[]): Buffer {
  const payload = new BinaryWriter()
  for (const metric of metrics) payload.tag(2, WireType.LengthDelimited).bytes(metricBytes(metric))
  if (seq !== undefined) payload.tag(3, WireType.Varint).uint64(seq)
  return Buffer.from(payload.finish())
}

/** Says which birth a node's death belongs to. */
export const bdSeq = (n: number): TestMetric => ({ name: 'bdSeq', datatype: 8, int: n })

function metricBytes({ name, alias, datatype, int, float }: TestMetric): Uint8Array {
  const metric = new BinaryWriter()
  if (name !== undefined) metric.tag(1, WireType.LengthDelimited).string(name)
  if (alias !== undefined) metric.tag(2, WireType.Varint).uint64(alias)
  if (datatype !== undefined) metric.tag(4, WireType.Varint).uint32(datatype)
  if (int !== undefined) metric.tag(10, WireType.Varint).uint32(int)
  if (float !== undefined) metric.tag(12, WireType.Bit32).float(float)
  return metric.finish()
}
