// How numbers of runs are written.

const number = new Intl.NumberFormat();

export function count(value) {
  return value === null ? "–" : number.format(value);
}

export function share(value) {
  return value === null ? "–" : `${(value * 100).toFixed(1)} %`;
}

export function seconds(value) {
  return value === null ? "–" : `${value.toFixed(1)} s`;
}

export function figure(value) {
  return value.toFixed(4);
}

export function bits(value) {
  return `${value.toFixed(2)} bits`;
}

export function megabytes(value) {
  return `${(value / 1e6).toFixed(1)} MB`;
}

export function moment(epochSeconds) {
  return new Date(epochSeconds * 1000).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });
}

// What a run is called on the page: its moment, which people know it by.
export function runName(run) {
  return `${moment(run.made_at)} (${run.id})`;
}
