public import SystemPackage

extension Errno {
    /// ENODEV, which for links means that there is none of that name or number.
    public static var noSuchDevice: Errno { .operationNotSupportedByDevice }
}
