<?php

/** What happened to our registrants, each change once. The file keeps the cursor: it goes on there, after months too. */

declare(strict_types=1);

use Pemudik\Pemudik;

require __DIR__ . '/../Pemudik.php';

$pemudik = new Pemudik(getenv('PEMUDIK'), getenv('PEMUDIK_CLIENT_ID'), getenv('PEMUDIK_CLIENT_SECRET'));

// Without `everySeconds: null` it waits for what happens next.
foreach ($pemudik->follow('pemudik.cursor', everySeconds: null) as $change) {
    if ($change['registrant']['reference'] === getenv('REFERENCE')) {
        echo $change['kind'], ' ', $change['to'] ?? '-', "\n";
    }
}
