// NIK and name at rest, as the registry keeps them: found by a keyed digest, sealed by AES-256-GCM.
import { createCipheriv, createHmac, randomBytes } from "node:crypto";

const indexKey = Buffer.from(process.env.INDEX_KEY, "base64");
const dataKey = Buffer.from(process.env.DATA_KEY, "base64");
const keyId = Buffer.from([Number(process.env.DATA_KEY_ID)]);

export function blindIndex(nik) {
  return createHmac("sha256", indexKey).update(`pemudik:nik:1:${nik}`).digest();
}

export function seal(text) {
  const nonce = randomBytes(12);
  const cipher = createCipheriv("aes-256-gcm", dataKey, nonce);
  return Buffer.concat([keyId, nonce, cipher.update(text, "utf8"), cipher.final(), cipher.getAuthTag()]);
}
