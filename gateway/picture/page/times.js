/** Times are told in UTC, as workers and failures tell theirs: one page, one zone. */
export function timeText(time) {
  return `${new Date(time).toISOString().slice(11, 19)} UTC`;
}

export function dayAndTimeText(time) {
  return `${new Date(time).toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}
