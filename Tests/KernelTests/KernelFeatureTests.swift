import Foundation
import TestSupport
import Testing

/// In the kernel that is to have everything, a feature that is missing would have its tests skipped everywhere.
@Suite(
    .enabled(
        if: ProcessInfo.processInfo.environment["CNI_KERNEL"] == "complete",
        "is for user-mode Linux (scripts/test --tier uml)"))
struct KernelFeatureTests {
    @Test(arguments: KernelFeature.allCases) func `the kernel has it`(feature: KernelFeature) {
        #expect(feature.isAvailable, "\(feature.rawValue)")
    }
}
