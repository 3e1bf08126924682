public import Testing

extension Trait where Self == ConditionTrait {
    /// For suites and tests that make network namespaces.
    public static var needsLab: Self {
        .enabled(if: Lab.isAvailable, "needs root and the program ip, to make network namespaces")
    }

    /// For suites that send packets through rules of the packet filter.
    public static var needsPortLab: Self {
        .enabled(
            if: Lab.isAvailable && KernelFeature.nftables.isAvailable && PortLab.missingPrograms.isEmpty,
            "needs root, nftables in the kernel, and the programs \(PortLab.programs.joined(separator: ", "))")
    }

    /// For tests of what not every kernel has.
    public static func needs(_ feature: KernelFeature) -> Self {
        .enabled(if: feature.isAvailable, "needs \(feature.rawValue), which this kernel lacks")
    }

    /// For tests of what happens on a kernel without it.
    public static func lacks(_ feature: KernelFeature) -> Self {
        .disabled(if: feature.isAvailable, "needs a kernel without \(feature.rawValue)")
    }
}
