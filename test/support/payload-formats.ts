import { encode as encodeMessagePack } from '@msgpack/msgpack'
import { encode as encodeCbor } from 'cbor2'
import fc from 'fast-check'

const item = { id: 'T1', v: 21.5, q: 192, t: 1_795_000_000_000 }
const batch = { ts: 1_795_000_000_000, d: [item, { ...item, v: 'x' }], n: { deep: [1, [2]] } }
const paths = {
  time: { path: '@.t', format: 'unix_ms' },
  each: '$.d[*]',
  tag_path: '@.id',
  quality: { path: '@.q', format: 'opc_ua' },
  signals: { t: { tag: 'T1', path: '@.v' }, s: { tag: 'T1', path: '@.v', type: 'string' } },
}
const birth =
  '0880bcd9f29e34121a0a084f696c2f54656d7010011880bcd9f29e34200965cdcca841121d0a05436f756e7410021880bcd9f29e34200858ffffffffffffffffff0112460a054d6f746f721880bcd9f29e3420139201330a013112130a0553706565641880bcd9f29e34200350dc0b12140a044c6f61641880bcd9f29e342009650000003f22014d280012200a01511880bcd9f29e3420034a100a075175616c6974791205080318f4035001'

/** For each format and map a subscription and a good payload, of which the bad ones are made. */
export const PAYLOAD_FORMATS = [
  { topic: 'json', payload: 'json', ...paths, good: Buffer.from(JSON.stringify(batch)) },
  {
    topic: 'paths',
    payload: 'json',
    time: { path: '$..t', format: 'unix_ms' },
    signals: { t: { path: "$.d[?(@.id=='T1')].v" }, u: { path: '$..*' } },
    good: Buffer.from(JSON.stringify(batch)),
  },
  { topic: 'cbor', payload: 'cbor', ...paths, good: Buffer.from(encodeCbor(batch)) },
  { topic: 'msgpack', payload: 'msgpack', ...paths, good: Buffer.from(encodeMessagePack(batch)) },
  {
    topic: 'text',
    payload: 'text',
    text_numbers: 'comma',
    signals: { t: { type: 'int64' } },
    good: Buffer.from('-12345,6e3'),
  },
  {
    topic: 'csv',
    payload: 'csv',
    time: { column: 1, format: 'iso8601', zone: 'Asia/Seoul' },
    signals: { t: { column: 2 }, s: { column: 3, type: 'string' } },
    good: Buffer.from('2026-11-24T12:00:00,21.5,"a ""b"""\n2026-11-24 12:00:01,,c\n'),
  },
  {
    topic: 'binary',
    payload: 'binary',
    time: { binary: { byte: 0, as: 'uint64' }, format: 'filetime' },
    signals: {
      t: { binary: { byte: 8, as: 'float32' } },
      s: { binary: { byte: 12, as: 'string', length: 6 }, type: 'string' },
      u: { binary: { byte: 1, as: 'uint64', bit: 63 }, type: 'bool' },
    },
    good: Buffer.from('01dcb0e0e0e0e0e041a8cccd616263640000', 'hex'),
  },
  ...(['kepserverex', 'opcua-pubsub', 'opc-publisher', 'umh'] as const).map((map) => ({
    topic: map === 'umh' ? 'umh/v1/x/_historian/T1' : map,
    payload: 'json',
    map,
    signals: { t: { tag: 'T1' } },
    good: Buffer.from(
      JSON.stringify(
        {
          kepserverex: { timestamp: item.t, values: [{ id: 'T1', v: 1, q: true, t: item.t }] },
          'opcua-pubsub': {
            Messages: [{ Payload: { T1: { Value: { Type: 9, Body: '5' }, StatusCode: { Code: 0 } } } }],
          },
          'opc-publisher': [{ NodeId: 'T1', Value: { Value: 5, SourceTimestamp: '2026-11-24T12:00:00Z' } }],
          umh: { timestamp_ms: item.t, value: 5, group: { x: 1 } },
        }[map],
      ),
    ),
  })),
  {
    topic: 'spBv1.0/g/DBIRTH/n/d',
    payload: 'sparkplug_b',
    signals: { t: { metric: 'Oil/Temp' }, u: { metric: 'Count', type: 'uint64' }, v: { metric: 'Motor/Speed' } },
    good: Buffer.from(birth, 'hex'),
  },
]

/** A good payload with a few bytes changed, cut out or put in; or any bytes, structure or name that may do harm. */
export function badPayloads(good: Buffer): fc.Arbitrary<Uint8Array> {
  const edit = fc.record({ at: fc.nat(good.length), cut: fc.nat(4), put: fc.uint8Array({ maxLength: 4 }) })
  const edited = fc.array(edit, { maxLength: 4 }).map((edits) => {
    let bytes: Uint8Array = good
    for (const { at, cut, put } of edits) bytes = Buffer.concat([bytes.subarray(0, at), put, bytes.subarray(at + cut)])
    return bytes
  })
  const swapped = good
    .toString('latin1')
    .replaceAll('"id"', '"__proto__"')
    .replaceAll('"d"', '"constructor"')
    .replaceAll('"T1"', '"prototype"')
  return fc.oneof(
    { weight: 6, arbitrary: edited },
    { weight: 2, arbitrary: fc.uint8Array({ maxLength: 64 }) },
    { weight: 1, arbitrary: fc.json().map((text) => Buffer.from(text)) },
    {
      weight: 1,
      arbitrary: fc
        .constantFrom(0x5b, 0x7b, 0x81, 0x91, 0x9f, 0xc1, 0xdd, 0x0a, 0x12, 0x22)
        .chain((byte) => fc.nat(2_000).map((n) => Buffer.alloc(n, byte))),
    },
    { weight: 1, arbitrary: fc.constant(Buffer.from(swapped, 'latin1')) },
  )
}
