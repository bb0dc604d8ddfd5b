// A booking code read by camera, where the browser can read one. No picture leaves this page, and none is kept.
// @ts-check
import { fill, the } from './dom.js';
import { t } from './words.js';

const LOOK_EVERY_MS = 200;

/** Shows the button where the browser can scan; `found` gets what was read. @param {(code: string) => void} found */
export function scanning(found) {
  const Detector = /** @type {any} */ (window).BarcodeDetector;
  if (!Detector || !navigator.mediaDevices) return;
  const dialog = /** @type {HTMLDialogElement} */ (the('scanner')), video = /** @type {HTMLVideoElement} */ (the('scanned'));
  const detector = new Detector();
  the('scan').hidden = false;
  the('scan').addEventListener('click', async () => {
    fill(the('scan-said'), t('scan.hold'));
    dialog.showModal();
    try {
      video.srcObject = await navigator.mediaDevices.getUserMedia({ video: { facingMode: 'environment' } });
      await video.play();
      const code = await read(detector, video, () => dialog.open);
      dialog.close();
      if (code) found(code);
    } catch { fill(the('scan-said'), t('scan.failed')); }
  });
  dialog.addEventListener('close', () => stop(video));
}

/** The first code that the camera sees, as long as `wanted`. @param {any} detector @param {HTMLVideoElement} video @param {() => boolean} wanted @returns {Promise<string | null>} */
async function read(detector, video, wanted) {
  while (wanted()) {
    const [seen] = await detector.detect(video);
    if (seen?.rawValue && wanted()) return seen.rawValue;
    await new Promise((done) => setTimeout(done, LOOK_EVERY_MS));
  }
  return null;
}

/** The camera's light goes out. @param {HTMLVideoElement} video */
function stop(video) {
  for (const track of /** @type {MediaStream | null} */ (video.srcObject)?.getTracks() ?? []) track.stop();
  video.srcObject = null;
}
