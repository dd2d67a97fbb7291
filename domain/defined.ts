type Optional<Properties> = {
  [Name in keyof Properties as undefined extends Properties[Name] ? Name : never]?: Exclude<
    Properties[Name],
    undefined
  >;
};
type Required<Properties> = {
  [Name in keyof Properties as undefined extends Properties[Name] ? never : Name]: Properties[Name];
};
/** Properties that may be undefined as optional ones: with `exactOptionalPropertyTypes` these two differ. */
export type Defined<Properties> = Required<Properties> & Optional<Properties>;

/** The properties that are not undefined: an absent property and an undefined one differ in JSON schemas and in digests. */
export function defined<const Properties extends object>(properties: Properties): Defined<Properties> {
  return Object.fromEntries(
    Object.entries(properties).filter(([, value]) => value !== undefined),
  ) as Defined<Properties>;
}
