/** Tests of tempest and neutron-tempest-plugin that fail here, and why: `.ci/tempest` fails when others do, or when one of these passes. */
export const KNOWN_FAILURES: Readonly<Record<string, string>> = {};
