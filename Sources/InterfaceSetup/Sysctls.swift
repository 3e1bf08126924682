public import LinuxSystem
public import NetworkAddress

/// The sysctls that interface plugins set, each with its reason.
public enum Sysctls {
    /// No router may give this link addresses or routes: on the host's side any container could pose as that router
    /// (CVE-2020-10749), and where IPAM gives addresses they are the only ones. To be set before the link is up.
    public static func ignoringRouterAdvertisements(_ link: String) -> [SysctlSetting] {
        [
            SysctlSetting(Sysctl("ipv6", "conf", link, "accept_ra"), "0", isOptional: true),
            SysctlSetting(Sysctl("ipv6", "conf", link, "autoconf"), "0", isOptional: true),
        ]
    }

    /// The link's own link-local address can be used at once, and not only after the network was asked about it for a second
    /// or two: until then the host could not ask for the hardware address of a container on behalf of anybody else. To be
    /// set before the link is up.
    public static func withoutDuplicateDetection(_ link: String) -> [SysctlSetting] {
        [SysctlSetting(Sysctl("ipv6", "conf", link, "accept_dad"), "0", isOptional: true)]
    }

    /// No IPv6 at all on this link, not even a link-local address.
    public static func withoutIPv6(_ link: String) -> [SysctlSetting] {
        [SysctlSetting(Sysctl("ipv6", "conf", link, "disable_ipv6"), "1", isOptional: true)]
    }

    /// IPv6 on this link, wherever runtimes or hosts have it off by default.
    public static func withIPv6(_ link: String) -> [SysctlSetting] {
        [SysctlSetting(Sysctl("ipv6", "conf", link, "disable_ipv6"), "0")]
    }

    /// The kernel tells the neighbours when the link's hardware address is set: by gratuitous ARP for IPv4, by an
    /// unsolicited advertisement for IPv6. An address that another container had is then known to be here at once.
    public static func announcingAddresses(_ link: String) -> [SysctlSetting] {
        [
            SysctlSetting(Sysctl("ipv4", "conf", link, "arp_notify"), "1"),
            SysctlSetting(Sysctl("ipv6", "conf", link, "ndisc_notify"), "1", isOptional: true),
        ]
    }

    /// The link answers ARP for every address of the host, but only to those who are reached by it: everybody else on the same
    /// network goes on to be answered by the link that leads to them. To be set before the link is up.
    public static func answeringWhomItLeadsTo(_ link: String) -> [SysctlSetting] {
        [SysctlSetting(Sysctl("ipv4", "conf", link, "arp_filter"), "1")]
    }

    /// Whether the host passes packets on between links.
    public static func forwarding(_ family: AddressFamily) -> Sysctl {
        family == .ipv4 ? Sysctl("ipv4", "ip_forward") : Sysctl("ipv6", "conf", "all", "forwarding")
    }
}
