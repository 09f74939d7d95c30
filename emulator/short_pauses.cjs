// The command line looks at a stack again after five seconds, whatever it is told. The embedded AWS
// is done sooner: it is looked at ten times a second. Only such pauses are shortened, which resume a
// promise; a timeout calls a function of somebody's.
"use strict";

const BETWEEN_LOOKS = 5000; // ms
const SHORTENED = 100; // ms
const pause = globalThis.setTimeout;

function isPause(callback, delay) {
  return delay === BETWEEN_LOOKS && callback.toString() === "function () { [native code] }";
}

globalThis.setTimeout = Object.assign(
  (callback, delay, ...rest) =>
    pause(callback, isPause(callback, delay) ? SHORTENED : delay, ...rest),
  pause, // what else it can do, as util.promisify expects
);
