/** A Sparkplug topic of the configuration. */
export interface SparkplugPattern {
  /** what the broker is asked for: births and deaths of the node as well, without which its data mean nothing */
  readonly filter: string
  /** true: it is about a device, else about the node itself */
  readonly ofDevice: boolean
  /** Whether a topic is of this node: then its births, deaths and sequence concern us. */
  covers(topic: string): boolean
}

/** Message types that say something about a node or device (Sparkplug 3.0 §4). */
const TYPES = ['NBIRTH', 'NDEATH', 'NDATA', 'DBIRTH', 'DDEATH', 'DDATA'] as const

/** What a topic says, or undefined for one that is not of an edge node. */
export interface SparkplugTopic {
  readonly type: (typeof TYPES)[number]
  /** GROUP/NODE */
  readonly node: string
  /** '' for the node itself */
  readonly device: string
}

/** Reads `spBv1.0/GROUP/TYPE/NODE[/DEVICE]`. */
export function parseSparkplugTopic(topic: string): SparkplugTopic | undefined {
  const [namespace, group, type, node, device, ...rest] = topic.split('/')
  if (namespace !== 'spBv1.0' || !group || !node || rest.length > 0) return undefined
  const known = TYPES.find((t) => t === type)
  if (!known || known.startsWith('D') !== (device !== undefined && device !== '')) return undefined
  return { type: known, node: `${group}/${node}`, device: device ?? '' }
}

/** Compiles `spBv1.0/GROUP/+/NODE` or `spBv1.0/GROUP/+/NODE/DEVICE`; each of the names may be `+` or `{asset}`. */
export function compileSparkplugTopic(
  text: string,
): SparkplugPattern | { readonly message: string; readonly hint: string } {
  const share = /^\$share\/[^/]+\//.exec(text)?.[0] ?? ''
  const [namespace, group, type, node, device, ...rest] = text.slice(share.length).split('/')
  const hint =
    'write spBv1.0/GROUP/+/NODE for a node, spBv1.0/GROUP/+/NODE/DEVICE for a device; NODE or DEVICE may be {asset}'
  if (share !== '') return { message: 'a shared subscription would see only a part of the births and sequence', hint }
  if (
    namespace !== 'spBv1.0' ||
    !group ||
    !node ||
    device === '' ||
    rest.length > 0 ||
    [group, node, device].includes('#')
  )
    return { message: 'is not a Sparkplug B topic', hint }
  if (type !== '+')
    return { message: `asks for ${type} alone, and without births and deaths the data cannot be understood`, hint }
  const open = (level: string): boolean => level === '+' || level === '{asset}'
  return {
    filter: `spBv1.0/${open(group) ? '+' : group}/+/${open(node) ? '+' : node}/#`,
    ofDevice: device !== undefined,
    covers(topic) {
      const levels = topic.split('/')
      return levels[0] === 'spBv1.0' && (open(group) || levels[1] === group) && (open(node) || levels[3] === node)
    },
  }
}
