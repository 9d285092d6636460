// Quantities in words. A quantity that is not known is a dash.

const UNKNOWN = "–";
const STEPS = ["", "k", "M", "G", "T", "P"];

function scaled(value, unit) {
  let step = 0;
  let number = Math.abs(value);
  while (number >= 999.5 && step < STEPS.length - 1) {
    number /= 1000;
    step += 1;
  }
  const digits = number >= 99.95 || step === 0 ? 0 : number >= 9.995 ? 1 : 2;
  return `${value < 0 ? "−" : ""}${number.toFixed(digits)} ${STEPS[step]}${unit}`.trim();
}

const known = (value) => value !== null && value !== undefined && Number.isFinite(value);

export const bits = (value) => (known(value) ? scaled(value, "bit/s") : UNKNOWN);
export const bytes = (value) => (known(value) ? scaled(value, "B") : UNKNOWN);
export const count = (value) => (known(value) ? scaled(value, "") : UNKNOWN);

export function percent(share, digits = 1) {
  return known(share) ? `${(share * 100).toFixed(digits)} %` : UNKNOWN;
}

export function milliseconds(value) {
  return known(value) ? `${value.toFixed(value < 10 ? 1 : 0)} ms` : UNKNOWN;
}

export function age(seconds) {
  if (!known(seconds)) return UNKNOWN;
  const whole = Math.max(0, Math.floor(seconds));
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  if (whole < 86400) return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
  return `${Math.floor(whole / 86400)} d ${Math.floor((whole % 86400) / 3600)} h`;
}

export function clock(epochSeconds) {
  return known(epochSeconds)
    ? new Date(epochSeconds * 1000).toLocaleTimeString("en-GB", { hour12: false })
    : UNKNOWN;
}

export function moment(epochSeconds) {
  return known(epochSeconds)
    ? new Date(epochSeconds * 1000).toISOString().slice(0, 19).replace("T", " ") + " UTC"
    : UNKNOWN;
}
