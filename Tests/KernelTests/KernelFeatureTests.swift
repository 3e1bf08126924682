import Foundation
import TestSupport
import Testing

/// In the kernel that is to have everything, a feature that is missing would have its tests skipped everywhere.
@Suite(
    .enabled(
        if: ProcessInfo.processInfo.environment["CNI_KERNEL"] == "complete",
        "is for user-mode Linux (scripts/test --tier uml)"))
struct KernelFeatureTests {
    /// User-mode Linux of Debian has no tables of the family inet; tests of those run on the machine's own kernel.
    @Test(arguments: KernelFeature.allCases.filter { $0 != .nftables }) func `the kernel has it`(feature: KernelFeature)
    {
        #expect(feature.isAvailable, "\(feature.rawValue)")
    }
}
