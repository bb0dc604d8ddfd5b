<?php

/**
 * A registration form in plain PHP. Whoever registers is written down first and sent at once; while the registry is away,
 * `php index.php send` from cron sends the rest. Settings are in the environment: README.md.
 */

declare(strict_types=1);

use Pemudik\Outbox;
use Pemudik\Pemudik;
use Pemudik\PemudikError;

require (getenv('PEMUDIK_PHP') ?: __DIR__ . '/../../sdk/php') . '/Pemudik.php';

const WORDS = ['WAITING' => 'Menunggu', 'ACCEPTED' => 'Terdaftar', 'REFUSED' => 'Ditolak'];
$folder = getenv('DATA') ?: '/var/lib/registration-form';
[$patience, $timeout] = PHP_SAPI === 'cli' ? [60.0, 40.0] : [2.0, 10.0];
[$url, $id, $secret] = [getenv('PEMUDIK'), getenv('PEMUDIK_CLIENT_ID'), getenv('PEMUDIK_CLIENT_SECRET')];
$pemudik = new Pemudik($url, $id, $secret, 'id', $patience, "$folder/token", $timeout);
$outbox = new Outbox("$folder/outbox.db");
// What became of a registration, without the person: whoever has the code may look.
$database = new PDO("sqlite:$folder/registrations.db", options: [PDO::ATTR_TIMEOUT => 10]);
$database->exec("CREATE TABLE IF NOT EXISTS registration (code TEXT PRIMARY KEY, item INTEGER UNIQUE NOT NULL,
    state TEXT NOT NULL DEFAULT 'WAITING', message TEXT NOT NULL DEFAULT '')");

function send(Outbox $outbox, Pemudik $pemudik, PDO $database): void
{
    try {
        foreach ($outbox->send($pemudik) as $sent) {
            if ($sent->answer !== null) {
                record($database, $sent->id, 'ACCEPTED', deadline($sent->answer['registrant']));
            }
        }
        foreach ($outbox->refused() as $item) {
            // The person reads why, and fills the form in again: here nothing of the person is kept.
            record($database, $item->id, 'REFUSED', $item->problem['message']);
            $outbox->forget($item->id);
        }
    } catch (PemudikError $error) {
        // Such as a wrong secret. Nothing is lost: what waits is sent when this is mended.
        error_log("Pemudik: $error->code {$error->getMessage()}");
    }
}

function record(PDO $database, int $item, string $state, string $message): void
{
    $database->prepare('UPDATE registration SET state = ?, message = ? WHERE item = ?')->execute([$state, $message, $item]);
}

/** State and message. If we were killed between the registry's answer and our own line, the registry knows. */
function outcome(PDO $database, Pemudik $pemudik, string $code): ?array
{
    $find = $database->prepare('SELECT state, message FROM registration WHERE code = ?');
    $find->execute([$code]);
    $found = $find->fetch(PDO::FETCH_ASSOC) ?: null;
    try {
        $registrant = ($found['state'] ?? '') === 'WAITING' ? $pemudik->registrant(['reference' => $code]) : null;
    } catch (PemudikError) {
        $registrant = null;
    }
    return $registrant === null ? $found : ['state' => 'ACCEPTED', 'message' => deadline($registrant)];
}

function deadline(array $registrant): string
{
    if ($registrant['verifyBy'] === null) {
        return 'Datang ke posko untuk verifikasi.';
    }
    $at = (new DateTimeImmutable($registrant['verifyBy']))->setTimezone(new DateTimeZone('Asia/Jakarta'));
    return 'Datang ke posko untuk verifikasi sebelum ' . $at->format('d-m-Y H:i') . ' WIB.';
}

/** Our routes with seats, the name by the id: of now, or while the registry is away those that were read last. */
function routes(Pemudik $pemudik, string $folder): array
{
    $where = ['organizer' => getenv('ORGANIZER'), 'direction' => 'MUDIK', 'service' => 'PASSENGER', 'withSeats' => true];
    try {
        $names = array_column(iterator_to_array($pemudik->routes($where), false), 'name', 'id');
        file_put_contents("$folder/routes.json", json_encode($names), LOCK_EX);
        return $names;
    } catch (PemudikError $error) {
        error_log("Pemudik: $error->code {$error->getMessage()}");
        return json_decode((string) @file_get_contents("$folder/routes.json"), true) ?: [];
    }
}

/** What stood in a field of the form. Nothing, if it was no text: whoever sends no form of ours sends anything. */
function typed(string $field): string
{
    $value = (string) filter_input(INPUT_POST, $field);
    return preg_match('//u', $value) === 1 ? trim($value) : '';
}

/** Writes the person down, and answers the code. */
function register(Outbox $outbox, PDO $database, string $route): string
{
    $code = 'WEB-' . strtoupper(bin2hex(random_bytes(8)));
    // Whoever sends the item meanwhile waits until the code is written down, and then finds it.
    $database->exec('BEGIN IMMEDIATE');
    $person = ['nik' => typed('nik'), 'name' => typed('name'), 'identityDocument' => 'KTP'];
    $item = $outbox->put('submitRegistrant', ['input' => $person + ['routeId' => $route, 'reference' => $code]]);
    $database->prepare('INSERT INTO registration (code, item) VALUES (?, ?)')->execute([$code, $item]);
    $database->exec('COMMIT');
    return $code;
}

if (PHP_SAPI === 'cli') {
    send($outbox, $pemudik, $database);
    exit($outbox->waiting() . " waiting\n");
}

session_start(['cookie_httponly' => true, 'cookie_samesite' => 'Strict']);
$_SESSION['form'] ??= bin2hex(random_bytes(16));
header('Cache-Control: no-store');
$routes = routes($pemudik, $folder);
if ($_SERVER['REQUEST_METHOD'] === 'POST') {
    if (!hash_equals($_SESSION['form'], typed('form')) || !isset($routes[typed('route')])) {
        http_response_code(400);
        exit('Formulir ini sudah kedaluwarsa; muat ulang halaman dan isi lagi.');
    }
    $code = register($outbox, $database, typed('route'));
    send($outbox, $pemudik, $database);
    // By a page of its own: to load it again sends nothing. The address holds the code alone, never a NIK.
    header("Location: ?code=$code", response_code: 303);
    exit;
}
$code = (string) filter_input(INPUT_GET, 'code');
$registration = outcome($database, $pemudik, $code);
?>
<!doctype html><html lang="id">
<meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Pendaftaran mudik gratis</title>
<h1>Pendaftaran mudik gratis</h1>
<?php if ($registration !== null) { ?>
<p role="status">
    <strong><?= WORDS[$registration['state']] ?></strong> (kode booking <code><?= htmlspecialchars($code) ?></code>).
    <?= htmlspecialchars($registration['message'] ?: 'Data Anda sudah disimpan dan segera dikirim; buka lagi halaman ini nanti.') ?>
</p>
<?php } ?>
<form method="post" action="?">
    <input type="hidden" name="form" value="<?= $_SESSION['form'] ?>">
    <p><label>NIK <input name="nik" required inputmode="numeric" pattern="[0-9]{16}" autocomplete="off"></label></p>
    <p><label>Nama sesuai KTP <input name="name" required maxlength="100" autocomplete="name"></label></p>
    <p><label>Rute <select name="route" required><?php foreach ($routes as $id => $name) { ?>
        <option value="<?= htmlspecialchars($id) ?>"><?= htmlspecialchars($name) ?></option>
    <?php } ?></select></label></p>
    <button>Daftar</button>
</form>
