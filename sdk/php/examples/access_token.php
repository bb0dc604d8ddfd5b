<?php

/** A token, for what the client has no method for. The client gets one by itself, and keeps it while it is good. */

declare(strict_types=1);

use Pemudik\Pemudik;

require __DIR__ . '/../Pemudik.php';

$pemudik = new Pemudik(getenv('PEMUDIK'), getenv('PEMUDIK_CLIENT_ID'), getenv('PEMUDIK_CLIENT_SECRET'));

$token = $pemudik->token();
echo count(explode('.', $token)), "\n";
