/**
 * The tags of an image of a semantic version: the version, and what stays compatible with it – `1.4` and `1` for 1.4.2, `0.4` alone for 0.4.2, since before 1.0 each minor version may break. A
 * pre-release, such as 1.0.0-rc.1, has its own tag alone. Anything else → RangeError.
 */
export function tagsOf(version: string): readonly string[] {
  const [, major, minor, preRelease] = /^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(?:0|[1-9]\d*)(-[0-9A-Za-z.-]+)?$/.exec(version) ?? []
  if (major === undefined) throw new RangeError(`"${version}" is no semantic version: major.minor.patch, as 1.4.2.`)
  if (preRelease !== undefined) return [version]
  return [version, `${major}.${minor}`, ...(major === '0' ? [] : [major])]
}
