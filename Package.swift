// swift-tools-version: 6.2
// The map of the project: one line per target, and what each may use. README.md says what each is for.
// One line a target, whatever its length.
// swift-format-ignore-file

import PackageDescription

/// The language settings of every target.
let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
]

/// Release executables are fully static and stripped: a plugin starts in well under a millisecond because
/// nothing is loaded or relocated at run time. Debug builds and tests stay dynamic.
let fullyStatic: [LinkerSetting] = [
    .unsafeFlags(
        ["-static-executable", "-use-ld=lld", "-Xlinker", "-s", "-Xlinker", "--gc-sections"],
        .when(configuration: .release))
]

/// What ArgumentParser's FoundationEssentials needs beside itself when it is linked statically.
let staticFoundation: [LinkerSetting] = ["_FoundationCollections", "_FoundationCShims"].map {
    .linkedLibrary($0, .when(configuration: .release))
}

let system: Target.Dependency = .product(name: "SystemPackage", package: "swift-system")
let arguments: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")

func library(_ name: String, uses: [Target.Dependency] = []) -> Target {
    .target(name: name, dependencies: uses, swiftSettings: strict)
}
func executable(
    _ name: String, path: String? = nil, uses: [Target.Dependency], links: [LinkerSetting] = []
) -> Target {
    .executableTarget(
        name: name, dependencies: uses, path: path, swiftSettings: strict, linkerSettings: fullyStatic + links)
}
func plugin(_ name: String, uses: [Target.Dependency]) -> Target {
    executable(name, path: "Sources/Plugins/\(name)", uses: uses)
}
func tests(_ name: String, uses: [Target.Dependency]) -> Target {
    .testTarget(name: name, dependencies: uses, swiftSettings: strict)
}

let package = Package(
    name: "cni-plugins",
    products: [
        .library(name: "CNIPlugin", targets: ["CNIPlugin", "CNI", "JSON", "NetworkAddress", "LinuxSystem"]),
        .library(name: "InterfaceSetup", targets: ["InterfaceSetup", "Netlink"]),
        .library(name: "PacketFilterSetup", targets: ["PacketFilterSetup", "PacketFilter"]),
        .library(name: "CNIRuntime", targets: ["CNIRuntime", "CNIExecution", "CNI", "JSON", "NetworkAddress", "LinuxSystem"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-system", from: "1.4.0"),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.6.0"),
    ],
    targets: [
        // C libraries; each is imported by exactly one target of ours.
        .systemLibrary(name: "CJansson", pkgConfig: "jansson", providers: [.apt(["libjansson-dev"])]),
        .systemLibrary(name: "CNetlink", pkgConfig: "libnl-route-3.0", providers: [.apt(["libnl-route-3-dev"])]),
        .systemLibrary(name: "CNetfilter"),
        .systemLibrary(name: "CMessageDigest", pkgConfig: "libmd", providers: [.apt(["libmd-dev"])]),
        .systemLibrary(name: "CDBus", pkgConfig: "dbus-1", providers: [.apt(["libdbus-1-dev"])]),
        .target(name: "CDBusServer"),
        .target(name: "CLinux"),
        .target(name: "CStartup"),

        // System calls and the kernel.
        library("LinuxSystem", uses: ["CLinux", system]),
        library("Netlink", uses: ["CNetlink", "LinuxSystem", "NetworkAddress", system]),
        library("PacketFilter", uses: ["CNetfilter", "MessageDigest", "Netlink", "LinuxSystem", "NetworkAddress", system]),
        library("DBus", uses: ["CDBus", "CDBusServer", "LinuxSystem"]),

        // Values.
        library("JSON", uses: ["CJansson"]),
        library("NetworkAddress"),
        library("MessageDigest", uses: ["CMessageDigest"]),
        library("CNI", uses: ["JSON", "NetworkAddress"]),

        // What plugins and runtimes share: how a plugin is called and its answer read.
        library("CNIExecution", uses: ["CNI", "JSON", "LinuxSystem", system]),

        // What plugins are made of, and what runtimes are made of.
        library("CNIPlugin", uses: ["CStartup", "CNI", "CNIExecution", "JSON", "LinuxSystem", "NetworkAddress", system]),
        library("InterfaceSetup", uses: ["CNI", "CNIPlugin", "JSON", "LinuxSystem", "Netlink", "NetworkAddress", system]),
        library("CNIRuntime", uses: ["CNI", "CNIExecution", "JSON", "LinuxSystem", "NetworkAddress", system]),

        library("CNINetworks", uses: ["CNI", "CNIRuntime", "JSON", "LinuxSystem", "MessageDigest", "NetworkAddress", system]),
        library("CNIContainers", uses: ["CNI", "CNINetworks", "CNIRuntime", "JSON", "LinuxSystem", "NetworkAddress", system]),
        library("PacketFilterSetup", uses: ["CNI", "JSON", "PacketFilter"]),

        // Plugins.
        plugin("loopback", uses: ["CNI", "CNIPlugin", "InterfaceSetup", "Netlink", "NetworkAddress", "JSON"]),
        plugin("bridge", uses: ["CNI", "CNIPlugin", "InterfaceSetup", "PacketFilter", "PacketFilterSetup", "Netlink", "NetworkAddress", "JSON", "LinuxSystem"]),
        plugin("firewall", uses: ["CNI", "CNIPlugin", "DBus", "InterfaceSetup", "JSON", "Netlink", "NetworkAddress", "PacketFilter", "PacketFilterSetup"]),
        plugin("host-local", uses: ["CNI", "CNIPlugin", "NetworkAddress", "JSON", "LinuxSystem", system]),
        plugin("macvlan", uses: ["CNI", "CNIPlugin", "InterfaceSetup", "Netlink", "NetworkAddress", "JSON", "LinuxSystem", system]),
        plugin("portmap", uses: ["CNI", "CNIPlugin", "JSON", "LinuxSystem", "Netlink", "NetworkAddress", "PacketFilter", "PacketFilterSetup"]),
        plugin("tuning", uses: ["CNI", "CNIPlugin", "InterfaceSetup", "Netlink", "NetworkAddress", "JSON", "LinuxSystem", system]),

        // The tool for people.
        executable("cnitool", uses: ["CNIContainers", "CNINetworks", "CNIRuntime", "CNI", "JSON", "LinuxSystem", "MessageDigest", "Netlink", "NetworkAddress", arguments, system], links: staticFoundation),

        // Tests. What they share, then values and fakes, then the kernel.
        .target(name: "TestSupport", dependencies: ["JSON", "NetworkAddress", "CNI"], path: "Tests/TestSupport", swiftSettings: strict),
        .target(name: "InterfaceTestSupport", dependencies: ["InterfaceSetup", "PacketFilter", "PacketFilterSetup", "Netlink", "CNI", "CNIPlugin", "JSON", "NetworkAddress", "LinuxSystem", system], path: "Tests/InterfaceTestSupport", swiftSettings: strict),
        tests("JSONTests", uses: ["JSON", "TestSupport"]),
        tests("NetworkAddressTests", uses: ["NetworkAddress"]),
        tests("LinuxSystemTests", uses: ["LinuxSystem", "TestSupport", system]),
        tests("CNITests", uses: ["CNI", "JSON", "NetworkAddress", "TestSupport"]),
        tests("CNIPluginTests", uses: ["CNIPlugin", "CNI", "JSON", "LinuxSystem", "TestSupport", system]),
        tests("NetlinkTests", uses: ["Netlink", "NetworkAddress", "LinuxSystem", system]),
        tests("PacketFilterTests", uses: ["PacketFilter", "Netlink", "CNetlink", "CNetfilter", "NetworkAddress", "LinuxSystem", "JSON", "TestSupport", system]),
        tests("InterfaceSetupTests", uses: ["InterfaceSetup", "Netlink", "CNI", "CNIPlugin", "JSON", "NetworkAddress", "LinuxSystem", "InterfaceTestSupport", system]),
        tests("LoopbackTests", uses: ["loopback", "CNI", "CNIPlugin", "Netlink", "InterfaceSetup", "InterfaceTestSupport", "JSON", "NetworkAddress", "LinuxSystem", system]),
        tests("BridgeTests", uses: ["bridge", "PacketFilter", "PacketFilterSetup", "CNI", "CNIPlugin", "Netlink", "InterfaceSetup", "InterfaceTestSupport", "JSON", "NetworkAddress", "LinuxSystem", system]),
        tests("FirewallTests", uses: ["firewall", "PacketFilter", "PacketFilterSetup", "CNI", "CNIPlugin", "Netlink", "InterfaceTestSupport", "JSON", "NetworkAddress", system]),
        tests("MacvlanTests", uses: ["macvlan", "CNI", "CNIPlugin", "Netlink", "InterfaceSetup", "InterfaceTestSupport", "JSON", "NetworkAddress", "LinuxSystem", system]),
        tests("PortmapTests", uses: ["portmap", "PacketFilter", "PacketFilterSetup", "CNI", "CNIPlugin", "Netlink", "InterfaceTestSupport", "JSON", "NetworkAddress", system]),
        tests("TuningTests", uses: ["tuning", "CNI", "CNIPlugin", "Netlink", "InterfaceSetup", "InterfaceTestSupport", "TestSupport", "JSON", "NetworkAddress", "LinuxSystem", system]),
        tests("HostLocalTests", uses: ["host-local", "CNI", "CNIPlugin", "TestSupport", "JSON", "NetworkAddress", "LinuxSystem", system]),
        tests("MessageDigestTests", uses: ["MessageDigest"]),
        tests("CNIRuntimeTests", uses: ["CNIRuntime", "CNI", "CNIExecution", "cnitool", "TestSupport", "JSON", "NetworkAddress", "LinuxSystem", system]),
        tests("CNINetworksTests", uses: ["CNINetworks", "CNIRuntime", "CNI", "JSON", "NetworkAddress"]),
        tests("CNIContainersTests", uses: ["CNIContainers", "CNINetworks", "CNIRuntime", "CNI", "JSON", "NetworkAddress", "LinuxSystem"]),
        tests("FuzzTests", uses: ["bridge", "firewall", "host-local", "loopback", "macvlan", "portmap", "tuning", "CNIContainers", "CNIRuntime", "CNIExecution", "CNIPlugin", "CNI", "PacketFilter", "CNetfilter", "Netlink", "CNetlink", "InterfaceTestSupport", "TestSupport", "JSON", "NetworkAddress", "LinuxSystem", system]),
        tests("LayoutTests", uses: ["TestSupport"]),
        tests("KernelTests", uses: ["TestSupport", "JSON", "NetworkAddress", "CNI"]),
    ]
)
