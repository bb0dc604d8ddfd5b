<?php

/** A receiver of webhooks: verified over the body as it came, done once, answered at once. */

declare(strict_types=1);

use Pemudik\BadSignature;

use function Pemudik\verifyWebhook;

require __DIR__ . '/../Pemudik.php';

try {
    $event = verifyWebhook(getenv('WEBHOOK_SECRET'), getallheaders(), file_get_contents('php://input'));
} catch (BadSignature $error) {
    http_response_code(400);
    exit($error->getMessage());
}
// A real receiver keeps the ids in its database: a file that is there already cannot be made again.
if (@fopen(sys_get_temp_dir() . '/webhook-' . hash('sha256', $event->id), 'x') !== false) {
    error_log("$event->type " . json_encode($event->data));
}
http_response_code(204);
