import Kernels
import Testing

/// Says with which kernel tables the numeric suites run. They run with every table of the CPU they
/// are on; the tables of other CPUs need other machines.
@Suite struct TableCoverageTests {
  @Test func tablesOfThisMachine() {
    let covered = InstructionSet.available
    let missing = InstructionSet.allCases.filter { !covered.contains($0) }
    let names = { (sets: [InstructionSet]) in
      sets.isEmpty ? "none" : sets.map(\.rawValue).joined(separator: ", ")
    }
    print("Kernel tables covered: \(names(covered)). Not on this CPU: \(names(missing)).")
    #expect(covered.contains(.scalar), "the specification runs everywhere")
    #expect(covered.contains(.best))
  }
}
