import { generateKeyPairSync } from 'node:crypto'

/** A certificate that nobody holds the key of. */
export const CERTIFICATE = `-----BEGIN CERTIFICATE-----
MIIBNDCB56ADAgECAhR5ZCqtRn/wyYBoxHNs5fZEBsJgITAFBgMrZXAwDzENMAsG
A1UEAwwEdGVzdDAgFw0yNjExMjQyMDU5MzZaGA8yMTI2MTAzMTIwNTkzNlowDzEN
MAsGA1UEAwwEdGVzdDAqMAUGAytlcAMhAGTg0uw+5zsUhhXAEtP/mOUpNdjkf5/U
yvYMvSX9eNVto1MwUTAdBgNVHQ4EFgQUEEVWcvEiRqvPVnGwqo5ECnO99FIwHwYD
VR0jBBgwFoAUEEVWcvEiRqvPVnGwqo5ECnO99FIwDwYDVR0TAQH/BAUwAwEB/zAF
BgMrZXADQQBB7XeeqInjhHWkIL+RKsJOt3IBTdmO5x/8X3cYv+OZCV3J6kwgQ/5N
FvDklvj7yQyA8zrcuLyx3K80Q/6g+dUA
-----END CERTIFICATE-----
`

/** A private key in PEM, new in each run. */
export const PRIVATE_KEY = generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
