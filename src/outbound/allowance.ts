/**
 * Which addresses may be called. Whoever writes a URL chooses where Teal, from within its network, sends a request:
 * so private addresses and plain HTTP are for hosts that the environment lists.
 */
import ipaddr from "ipaddr.js";

/** Hosts that may be private, or be called by plain HTTP. */
export interface Allowance {
  /** Whole names, lower case. */
  names: readonly string[];
  /** `.example.internal` stands for every name that ends so. */
  suffixes: readonly string[];
  /** Networks as CIDR. */
  ranges: readonly string[];
}

/** Says why this address, being one of that host, must not be connected to; undefined where it may. */
export type Judge = (host: string, address: string) => string | undefined;

type Address = ReturnType<typeof ipaddr.parse>;
type Network = ReturnType<typeof ipaddr.parseCIDR>;

/**
 * What no list opens, not even by a network that contains it. Link-local addresses and `fd00:ec2::/32` hand out the
 * machine's credentials (AWS docs: instance metadata, task credentials, EKS Pod Identity); the others are no
 * address of any one host, and connecting to an unspecified one reaches the machine itself.
 */
const neverRanges = new Set(["unspecified", "broadcast", "multicast", "linkLocal"]);
const neverNetwork = ipaddr.parseCIDR("fd00:ec2::/32");

/** All of IPv6 that was given out to the world (IANA, IPv6 Global Unicast Address Assignments). */
const globalIPv6 = ipaddr.parseCIDR("2000::/3");

export function createJudge(allow: Allowance, protocol: string): Judge {
  const networks = allow.ranges.map((range) => ipaddr.parseCIDR(range));
  return (host, address) => {
    // An IPv4 address in IPv6's clothes is judged as what it is.
    const ip = ipaddr.process(address);
    const range = ip.range();
    const where = address === host ? address : `${host} is at ${address}, and that`;
    if (neverRanges.has(range) || within(ip, neverNetwork)) {
      return `${where} is an address that is never called (${range})`;
    }
    if (isListed(allow, host) || networks.some((network) => within(ip, network))) return undefined;
    if (range !== "unicast" || (ip.kind() === "ipv6" && !within(ip, globalIPv6))) {
      return `${where} is no public address (${range}); if it is meant, list the host in TEAL_OUTBOUND_ALLOW`;
    }
    return protocol === "https:"
      ? undefined
      : `${host} is to be called by plain HTTP; use https, or list the host in TEAL_OUTBOUND_ALLOW`;
  };
}

function isListed(allow: Allowance, host: string): boolean {
  const name = host.replace(/\.$/, "");
  return allow.names.includes(name) || allow.suffixes.some((suffix) => name.endsWith(suffix));
}

function within(ip: Address, network: Network): boolean {
  return ip.kind() === network[0].kind() && ip.match(network);
}
