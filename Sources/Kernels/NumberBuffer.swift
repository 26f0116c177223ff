/// Memory for numbers that a model or a step owns: aligned to 64 bytes, freed with its owner.
///
/// Contents are undefined until written, except after `zero()`.
package final class NumberBuffer<Element: BitwiseCopyable> {
  package let pointer: UnsafeMutablePointer<Element>
  package let count: Int

  package init(count: Int) {
    precondition(count >= 0, "a buffer has no negative size")
    let raw = UnsafeMutableRawPointer.allocate(
      byteCount: max(1, count) * MemoryLayout<Element>.stride, alignment: 64)
    pointer = raw.bindMemory(to: Element.self, capacity: max(1, count))
    self.count = count
  }

  package convenience init(zeros count: Int) {
    self.init(count: count)
    zero()
  }

  deinit { UnsafeMutableRawPointer(pointer).deallocate() }

  package var elements: UnsafeMutableBufferPointer<Element> {
    UnsafeMutableBufferPointer(start: pointer, count: count)
  }

  package func zero() {
    UnsafeMutableRawPointer(pointer).initializeMemory(
      as: UInt8.self, repeating: 0, count: count * MemoryLayout<Element>.stride)
  }
}

package typealias FloatBuffer = NumberBuffer<Float>
