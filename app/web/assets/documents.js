// Ten documents to begin with, each as curl, PHP, Python and JavaScript. Those that read run here, under one's own session;
// those that write, or name a NIK, in the organizer's test registry.
// @ts-check
import { post } from './api.js';
import { fill, h, the } from './dom.js';
import { copies, note, words } from './frame.js';
import { runInTest } from './testing.js';
import { t } from './words.js';

const LANGUAGES = ['GraphQL', 'curl', 'PHP', 'Python', 'JavaScript'];

/** @typedef {{name: string, query: string, variables: Record<string, unknown>}} Document_ */
/** What reads, and what writes. @type {Document_[]} */
export const DOCUMENTS = [
  { name: 'me', query: 'query Saya {\n  me { id scopes organizer { code name } budget { capacity remaining } }\n}', variables: {} },
  { name: 'windows', query: 'query Jadwal {\n  windows { kind opensAt closesAt untilQuotaIsFull organizer { code } }\n}', variables: {} },
  { name: 'routes', query: 'query Rute($where: RouteFilter) {\n  routes(where: $where, first: 20) {\n    nodes { id name direction service departsAt remaining origin { city } destination { city } }\n    pageInfo { hasNextPage endCursor }\n  }\n}', variables: { where: { withSeats: true } } },
  { name: 'check', query: 'query Cek($nik: NIK!) {\n  checkNik(nik: $nik) { outcome available message }\n}', variables: { nik: '3171030101909001' } },
  { name: 'submit', query: 'mutation Daftar($input: SubmitRegistrant!) {\n  submitRegistrant(input: $input) {\n    ... on Submission { registrant { id status verifyBy } }\n    ... on Problem { code message field }\n  }\n}', variables: { input: { nik: '3171030101909001', name: 'Siti Rahayu', routeId: 'ID-RUTE', identityDocument: 'KTP', reference: 'KODE-BOOKING' } } },
  { name: 'verify', query: 'mutation Verifikasi($ref: RegistrantRef!) {\n  verifyRegistrant(ref: $ref) {\n    ... on Registrant { id status }\n    ... on Problem { code message }\n  }\n}', variables: { ref: { id: 'ID-PENDAFTAR' } } },
  { name: 'cancel', query: 'mutation Batal($ref: RegistrantRef!, $reason: String!) {\n  cancelRegistrant(ref: $ref, reason: $reason) {\n    ... on Registrant { id status }\n    ... on Problem { code message }\n  }\n}', variables: { ref: { id: 'ID-PENDAFTAR' }, reason: 'Permintaan peserta' } },
  { name: 'registrants', query: 'query Pendaftar($after: String) {\n  registrants(first: 20, after: $after) {\n    nodes { id reference direction service status registeredAt }\n    pageInfo { hasNextPage endCursor }\n  }\n}', variables: {} },
  { name: 'changes', query: 'query Perubahan($after: String) {\n  changes(first: 20, after: $after) {\n    nodes { cursor at kind from to registrant { id reference } }\n    pageInfo { hasNextPage endCursor }\n  }\n}', variables: {} },
  { name: 'figures', query: 'query Angka {\n  statistics {\n    season asOf\n    total { registered verified departed forfeited cancelled quota taken remaining }\n  }\n}', variables: {} },
];

/** @param {Document_} one */
export const reads = (one) => one.query.startsWith('query');
/** A NIK is named only by somebody who types it on a page that asks what for. @param {Document_} one */
const runs = (one) => reads(one) && one.name !== 'check';
/** @param {string} text */
const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;

/** @type {Record<string, (one: Document_) => string>} */
const WRITTEN = {
  GraphQL: (one) => `${one.query}\n\n${JSON.stringify(one.variables, null, 2)}\n`,
  curl: (one) => `TOKEN=$(curl -s -u "$CLIENT_ID:$CLIENT_SECRET" -d grant_type=client_credentials ${location.origin}/oauth/token \\\n  | sed 's/.*"access_token": *"\\([^"]*\\)".*/\\1/')\n\ncurl -s ${location.origin}/graphql \\\n  -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json' \\\n  --data ${quoted(JSON.stringify({ query: one.query, variables: one.variables }))}\n`,
  PHP: (one) => `<?php\nfunction kirim(string $alamat, array $kepala, string $isi): array {\n    $jawaban = file_get_contents($alamat, false, stream_context_create(['http' => [\n        'method' => 'POST', 'header' => $kepala, 'content' => $isi, 'ignore_errors' => true, 'timeout' => 30,\n    ]]));\n    return json_decode($jawaban, true, flags: JSON_THROW_ON_ERROR);\n}\n\n$dasar = base64_encode(getenv('CLIENT_ID') . ':' . getenv('CLIENT_SECRET'));\n$token = kirim('${location.origin}/oauth/token',\n    ["Authorization: Basic $dasar", 'Content-Type: application/x-www-form-urlencoded'], 'grant_type=client_credentials');\n\n$query = <<<'GRAPHQL'\n${one.query}\nGRAPHQL;\n$variables = json_decode('${JSON.stringify(one.variables)}');\n$jawaban = kirim('${location.origin}/graphql',\n    ["Authorization: Bearer {$token['access_token']}", 'Content-Type: application/json'],\n    json_encode(['query' => $query, 'variables' => $variables]));\nprint_r($jawaban);\n`,
  Python: (one) => `import json, os, urllib.parse, urllib.request\nfrom base64 import b64encode\n\ndef kirim(alamat, kepala, isi):\n    with urllib.request.urlopen(urllib.request.Request(alamat, isi, kepala), timeout=30) as jawaban:\n        return json.load(jawaban)\n\ndasar = b64encode(f"{os.environ['CLIENT_ID']}:{os.environ['CLIENT_SECRET']}".encode()).decode()\ntoken = kirim("${location.origin}/oauth/token", {"Authorization": f"Basic {dasar}"},\n              urllib.parse.urlencode({"grant_type": "client_credentials"}).encode())["access_token"]\n\nQUERY = """\n${one.query}\n"""\nVARIABLES = json.loads('''${JSON.stringify(one.variables)}''')\nprint(kirim("${location.origin}/graphql", {"Authorization": f"Bearer {token}", "Content-Type": "application/json"},\n            json.dumps({"query": QUERY, "variables": VARIABLES}).encode()))\n`,
  JavaScript: (one) => `const { CLIENT_ID, CLIENT_SECRET } = process.env;\nconst kirim = async (alamat, kepala, isi) => (await fetch(alamat, { method: 'POST', headers: kepala, body: isi, signal: AbortSignal.timeout(30000) })).json();\n\nconst { access_token } = await kirim('${location.origin}/oauth/token',\n  { Authorization: \`Basic \${btoa(\`\${CLIENT_ID}:\${CLIENT_SECRET}\`)}\` }, new URLSearchParams({ grant_type: 'client_credentials' }));\n\nconst query = \`\n${one.query}\n\`;\nconst variables = ${JSON.stringify(one.variables)};\nconsole.log(JSON.stringify(await kirim('${location.origin}/graphql',\n  { Authorization: \`Bearer \${access_token}\`, 'Content-Type': 'application/json' }, JSON.stringify({ query, variables })), null, 2));\n`,
};

let language = LANGUAGES[0];

export function showDocuments() {
  const chosen = new URLSearchParams(location.search).get('one'), one = DOCUMENTS.find((each) => each.name === chosen) ?? DOCUMENTS[0];
  fill(the('list'), ...DOCUMENTS.map((each) => h('li', {}, h('a', { href: `?view=documents&one=${each.name}`, 'aria-current': each === one ? 'true' : null }, t(`doc.${each.name}`)), h('span', { class: 'line2' }, t(reads(each) ? 'documents.reads' : 'documents.changes')))));
  fill(the('document-title'), t(`doc.${one.name}`));
  fill(the('document-sub'), t(`doc.help.${one.name}`));
  fill(the('languages'), ...LANGUAGES.map((name) => {
    const box = h('input', { type: 'radio', name: 'language', value: name, checked: name === language });
    box.addEventListener('change', () => { language = name; fill(the('text'), WRITTEN[language](one)); });
    return h('label', {}, box, name);
  }));
  fill(the('text'), WRITTEN[language](one));
  the('run').hidden = !runs(one);
  the('run-test').hidden = the('writes').hidden = runs(one);
  the('answered').hidden = true;
  the('document').hidden = false;
  the('run').onclick = () => run(one, async () => (await post('/graphql', { query: one.query, variables: one.variables })).json);
  the('run-test').onclick = () => run(one, () => runInTest(one.query, one.variables));
  copies(the('copy-text'), the('text'));
}

/** @param {Document_} one @param {() => Promise<unknown>} answer */
async function run(one, answer) {
  the('run-test').setAttribute('aria-busy', 'true');
  try {
    fill(the('answer'), JSON.stringify(await answer(), null, 2));
    the('answered').hidden = false;
    the('test-band').hidden = runs(one);
    fill(the('trouble'));
  } catch (error) { fill(the('trouble'), note('bad', words(error), t('error.again'))); }
  the('run-test').removeAttribute('aria-busy');
}
