#include "storage/volume_scan.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>

#include "base/error.h"
#include "base/files.h"

namespace bv::storage {
namespace {

using model::StorageFormat;

class VolumeScan : public ::testing::Test {
 protected:
  VolumeScan() { directory_ = mkdtemp(name_); }
  ~VolumeScan() override { RemoveTree(directory_); }

  std::string Path(const char* name) { return directory_ + "/" + name; }
  void Put(const char* name, const std::string& bytes) { WriteFileAtomic(Path(name), bytes); }
  model::VolumeDef Scan(const char* name) { return ScanVolume(Path(name), name).value(); }

  char name_[32] = "/tmp/bv-volume-scan-XXXXXX";
  std::string directory_;
};

std::string Number(std::uint64_t value, int bytes) {
  std::string out;
  while (bytes-- > 0) out += static_cast<char>(value >> (bytes * 8));
  return out;
}

// The header of a qcow2 image of 1 MiB on top of `backing`, a raw one by its extension.
std::string Qcow2(int version, const std::string& backing, std::uint64_t incompatible = 0, std::uint64_t compatible = 0) {
  std::string extension = backing.empty() ? "" : Number(0xe2792aca, 4) + Number(3, 4) + std::string("raw\0\0\0\0\0", 8);
  std::string end(8, '\0');
  std::uint64_t fixed = version == 3 ? 104 : 72;
  std::uint64_t at = backing.empty() ? 0 : fixed + extension.size() + end.size();
  std::string header = "QFI\xfb" + Number(version, 4) + Number(at, 8) + Number(backing.size(), 4) + Number(16, 4) + Number(1 << 20, 8);
  header.resize(72);
  if (version == 3) header += Number(incompatible, 8) + Number(compatible, 8) + Number(0, 8) + Number(4, 4) + Number(fixed, 4);
  std::string image = header + extension + end + backing;
  image.resize(65536);
  return image;
}

TEST_F(VolumeScan, DescribesImages) {
  Put("raw", std::string(3000, 'x'));
  Put("old", Qcow2(2, ""));
  Put("new", Qcow2(3, "raw", 16, 1));
  Put("broken", Qcow2(2, "").replace(4, 4, "\xff\xff\xff\xff"));
  auto raw = Scan("raw");
  EXPECT_EQ(raw.target.format, StorageFormat::kRaw);
  EXPECT_EQ(raw.capacity, 3000u);
  EXPECT_EQ(raw.key, Path("raw"));
  auto old = Scan("old");
  EXPECT_EQ(old.target.format, StorageFormat::kQcow2);
  EXPECT_EQ(old.capacity, 1u << 20);
  EXPECT_EQ(old.physical, 65536u);
  EXPECT_EQ(old.target.compat, "");
  EXPECT_EQ(old.target.cluster_size, 65536u);
  auto newer = Scan("new");
  EXPECT_EQ(newer.target.compat, "1.1");
  EXPECT_TRUE(newer.target.features->lazy_refcounts);
  EXPECT_TRUE(newer.target.features->extended_l2);
  ASSERT_TRUE(newer.backing);
  EXPECT_EQ(newer.backing->path, Path("raw"));  // relative to the image
  EXPECT_EQ(newer.backing->format, StorageFormat::kRaw);
  EXPECT_TRUE(newer.backing->timestamps);
  EXPECT_EQ(Scan("broken").target.format, StorageFormat::kRaw);  // no version that anybody knows
}

TEST_F(VolumeScan, TakesFilesAndDirectoriesAlone) {
  Put("file", "x");
  mkdir(Path("dir").c_str(), 0700);
  mkfifo(Path("pipe").c_str(), 0600);
  EXPECT_EQ(symlink("nowhere", Path("dangling").c_str()), 0);
  EXPECT_EQ(symlink("dir", Path("link").c_str()), 0);
  std::string names;
  for (auto& volume : ScanDirectory(directory_)) names += volume.name + (volume.type == model::VolumeType::kDir ? "/ " : " ");
  EXPECT_EQ(names, "dir/ file link/ ");
  EXPECT_THROW(ScanDirectory(Path("none")), Error);
}

TEST_F(VolumeScan, UpdatesByTheFormatThatIsKnown) {
  Put("v", Qcow2(2, ""));
  auto volume = Scan("v");
  volume.target.format = StorageFormat::kRaw;  // as a guest sees it that was given it as such
  UpdateVolume(volume);
  EXPECT_EQ(volume.capacity, 65536u);
  chmod(Path("v").c_str(), 0640);
  UpdateVolume(volume);
  EXPECT_EQ(volume.target.permissions.mode, 0640u);
  unlink(Path("v").c_str());
  try {
    UpdateVolume(volume);
    ADD_FAILURE() << "found what is gone";
  } catch (const Error& error) {
    EXPECT_EQ(error.code, ErrorCode::kNoStorageVol);
  }
}

}  // namespace
}  // namespace bv::storage
