<?php

/** A family under one booking code, with the way back: everybody or nobody. */

declare(strict_types=1);

use Pemudik\BookingRefused;
use Pemudik\Pemudik;

require __DIR__ . '/../Pemudik.php';

$pemudik = new Pemudik(getenv('PEMUDIK'), getenv('PEMUDIK_CLIENT_ID'), getenv('PEMUDIK_CLIENT_SECRET'));

$names = ['Ayah Contoh', 'Ibu Contoh', 'Anak Contoh'];
$family = [];
foreach ($names as $place => $name) {
    $family[] = [
        'nik' => (string) ((int) getenv('NIK') + $place + 1),
        'name' => $name,
        'routeId' => getenv('ROUTE'),
        'returnRouteId' => getenv('RETURN_ROUTE'),
        'identityDocument' => 'KK',
    ];
}
try {
    $booked = $pemudik->submitBooking(['reference' => getenv('REFERENCE') . '-FAMILY', 'registrants' => $family]);
    $returns = array_filter($booked['submissions'], fn (array $submission): bool => $submission['return'] !== null);
    echo $booked['booking']['people'], ' people, ', count($returns), " with a way back\n";
} catch (BookingRefused $refused) {
    foreach ($refused->problems as $place => $problem) {
        echo $names[$place], ' ', $problem['message'] ?? 'could travel', "\n";
    }
}
