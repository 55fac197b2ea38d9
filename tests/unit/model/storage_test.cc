#include "model/storage_pool.h"
#include "model/storage_volume.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "unit/expect_error.h"

namespace bv::model {
namespace {


std::string Pool(const std::string& type, const std::string& rest) {
  return "<pool type='" + type + "'><name>p</name><uuid>10ed4ad4-c7b0-4696-b574-b40e04fea84b</uuid>" + rest + "</pool>";
}

// The parts of an output that are not the same for every pool, without its white space.
std::string Squeeze(const std::string& xml) {
  std::string out;
  std::size_t at = 0;
  while (at < xml.size()) {
    auto end = xml.find('\n', at);
    auto line = xml.substr(at, end - at);
    line.erase(0, line.find_first_not_of(' '));
    if (!line.starts_with("<name>p<") && !line.starts_with("<uuid>") && line.find("unit='bytes'>0<") == line.npos) out += line;
    at = end == xml.npos ? xml.size() : end + 1;
  }
  return out;
}

// Recorded from libvirt.
TEST(StoragePool, ReadsAndWritesWhatTheTypeHas) {
  struct Row {
    const char *type, *in, *out;
  };
  const Row rows[] = {
      {"dir", "<target><path>///a//b/</path></target>", "<pool type='dir'><source></source><target><path>/a/b</path></target></pool>"},
      {"dir", "<target><path>//a</path></target>", "<pool type='dir'><source></source><target><path>//a</path></target></pool>"},
      {"dir", "<source><host name='h'/><dir path='/d'/><vendor name='v'/></source><target><path>rel/x/</path></target>",
       "<pool type='dir'><source><vendor name='v'/></source><target><path>rel/x</path></target></pool>"},
      {"dir",
       "<target><path>/t</path><permissions><mode>755</mode><owner>-1</owner><group>4294967294</group><label>l</label></permissions></target>",
       "<pool type='dir'><source></source><target><path>/t</path><permissions><mode>0755</mode><group>4294967294</group><label>l</label>"
       "</permissions></target></pool>"},
      {"fs", "<source><device path='/dev/sda'/><device path='/dev/sdb' part_separator='no'/></source><target><path>/t</path></target>",
       "<pool type='fs'><source><device path='/dev/sda'/><device path='/dev/sdb' part_separator='no'/><format type='auto'/></source>"
       "<target><path>/t</path></target></pool>"},
      {"netfs", "<source><dir path='/d//e/'/><host name='h' port='3'/><format type='nfs'/><protocol ver='4.1'/></source><target><path>/t</path></target>",
       "<pool type='netfs'><source><host name='h' port='3'/><dir path='/d/e'/><format type='nfs'/><protocol ver='4.1'/></source>"
       "<target><path>/t</path></target></pool>"},
      {"logical", "<target><path>/elsewhere</path></target>",
       "<pool type='logical'><source><format type='lvm2'/></source><target><path>/dev/p</path></target></pool>"},
      {"iscsi", "<source><host name='h'/><device path='d'/><initiator><iqn name='q'/></initiator></source><target><path>/t</path></target>"
       "<refresh><volume allocation='capacity'/></refresh>",
       "<pool type='iscsi'><source><host name='h'/><device path='d'/><initiator><iqn name='q'/></initiator></source><target><path>/t</path>"
       "</target><refresh><volume allocation='capacity'/></refresh></pool>"},
      {"scsi", "<source><adapter type='scsi_host'><parentaddr unique_id='0'><address domain='0' bus='0' slot='0x1f' function='2'/></parentaddr>"
       "</adapter></source><target><path>/t</path></target>",
       "<pool type='scsi'><source><adapter type='scsi_host'><parentaddr unique_id='0'><address domain='0x0000' bus='0x00' slot='0x1f' "
       "function='0x2'/></parentaddr></adapter></source><target><path>/t</path></target></pool>"},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.in);
    std::string once = FormatPool(ParsePool(Pool(row.type, row.in)));
    EXPECT_EQ(Squeeze(once), row.out);
    EXPECT_EQ(FormatPool(ParsePool(once)), once);
    EXPECT_EQ(FormatPool(ParsePoolState(FormatPoolState(ParsePool(once)))), once);
  }
}

TEST(StoragePool, MountOptionsKeepTheirNamespace) {
  std::string xml = "<pool type='fs' xmlns:q='http://libvirt.org/schemas/storagepool/fs/1.0'><name>p</name><source><device path='/d'/></source>"
                    "<target><path>/t</path></target><q:mount_opts><q:option name='sync'/></q:mount_opts></pool>";
  std::string out = Squeeze(FormatPool(ParsePool(xml)));
  EXPECT_NE(out.find("xmlns:fs='http://libvirt.org/schemas/storagepool/fs/1.0'"), out.npos);
  EXPECT_NE(out.find("<fs:mount_opts><fs:option name='sync'/></fs:mount_opts>"), out.npos);
}

TEST(StoragePool, RefusesWithLibvirtsCodes) {
  struct Row {
    const char *type, *in;
    ErrorDomain domain;
    ErrorCode code;
  };
  constexpr auto kS = ErrorDomain::kStorage;
  constexpr auto kX = ErrorCode::kXmlError;
  const Row rows[] = {
      {"bogus", "", ErrorDomain::kXml, kX},
      {"dir", "", kS, kX},
      {"dir", "<target><path>/t</path><permissions><mode>01777</mode></permissions></target>", kS, kX},
      {"dir", "<target><path>/t</path><permissions><owner/></permissions></target>", kS, kX},
      {"fs", "<target><path>/t</path></target>", kS, kX},
      {"fs", "<source><device path='/d'/><format type='nfs'/></source><target><path>/t</path></target>", kS, ErrorCode::kConfigUnsupported},
      {"netfs", "<source><host name='h'/></source><target><path>/t</path></target>", kS, kX},
      {"netfs", "<source><host name='h'/><dir path='/d'/><protocol ver='3,x'/></source><target><path>/t</path></target>", kS, ErrorCode::kXmlDetail},
      {"netfs", "<source><host name='h'/><dir path='/d'/><format type='cifs'/><protocol ver='3'/></source>", kS, ErrorCode::kConfigUnsupported},
      {"netfs", "<features><cow state='yes'/></features>", kS, ErrorCode::kNoSupport},
      {"iscsi-direct", "<source><host name='h'/><device path='d'/></source>", kS, ErrorCode::kConfigUnsupported},
      {"iscsi", "<source><host name='h'/><auth username='u'><secret usage='a'/></auth></source>", kS, ErrorCode::kConfigUnsupported},
      {"scsi", "<source><adapter type='fc_host' wwnn='2000' wwpn='10000000c9831b4b'/></source>", ErrorDomain::kNone, ErrorCode::kInternalError},
      {"scsi", "<source><adapter name='h' parent='x'/></source>", kS, kX},
      {"rbd", "<source/>", kS, kX},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(std::string(row.type) + ": " + row.in);
    ExpectError([&] { ParsePool(Pool(row.type, row.in)); }, row.domain, row.code);
  }
  ExpectError([] { ParsePool(Pool("dir", "<target><path>/t</path></target><junk/>"), true); }, ErrorDomain::kXml, ErrorCode::kXmlInvalidSchema);
  ExpectError([] { ParsePool(Pool("dir", "<source><host name='h'/></source><target><path>/t</path></target>"), true); }, ErrorDomain::kXml,
              ErrorCode::kXmlInvalidSchema);
}

std::string Volume(const std::string& rest) { return "<volume><name>v</name>" + rest + "</volume>"; }

TEST(StorageVolume, ReadsSizesAndImages) {
  VolumeDef v = ParseVolume(Volume("<capacity unit='G'>1</capacity><target><format type='qcow2'/><features><lazy_refcounts/></features>"
                                   "<clusterSize unit='KiB'>128</clusterSize></target><backingStore><path>/b</path></backingStore>"), 0);
  EXPECT_EQ(v.capacity, 1u << 30);
  EXPECT_EQ(v.allocation, v.capacity);
  EXPECT_FALSE(v.has_allocation);
  EXPECT_EQ(v.target.format, StorageFormat::kQcow2);
  EXPECT_EQ(v.target.compat, "1.1");  // what features need
  EXPECT_EQ(v.target.cluster_size, 131072u);
  EXPECT_EQ(v.backing->format, StorageFormat::kRaw);
  std::string once = FormatVolume(v);
  EXPECT_EQ(FormatVolume(ParseVolume(once, 0)), once);
}

TEST(StorageVolume, RefusesWithLibvirtsCodes) {
  struct Row {
    const char* in;
    ErrorDomain domain;
    ErrorCode code;
  };
  constexpr auto kS = ErrorDomain::kStorage;
  const Row rows[] = {
      {"", kS, ErrorCode::kXmlError},
      {"<capacity>-5</capacity>", kS, ErrorCode::kXmlError},
      {"<capacity unit='x'>1</capacity>", ErrorDomain::kNone, ErrorCode::kInvalidArg},
      {"<capacity unit='E'>15</capacity>", ErrorDomain::kNone, ErrorCode::kOverflow},
      {"<capacity>1</capacity><target><format type='luks'/></target>", kS, ErrorCode::kConfigUnsupported},
      {"<capacity>1</capacity><target><compat>1</compat></target>", kS, ErrorCode::kXmlError},
      {"<capacity>1</capacity><target><features><x/></features></target>", kS, ErrorCode::kConfigUnsupported},
      {"<capacity>1</capacity><target><clusterSize>x</clusterSize></target>", ErrorDomain::kXml, ErrorCode::kXmlError},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.in);
    ExpectError([&] { ParseVolume(Volume(row.in), 0); }, row.domain, row.code);
  }
  // An image below stands for a size where that is allowed.
  std::string backed = Volume("<backingStore><path>/b</path></backingStore>");
  ExpectError([&] { ParseVolume(backed, 0); }, kS, ErrorCode::kXmlError);
  EXPECT_EQ(ParseVolume(backed, kVolumeOptionalCapacity).capacity, 0u);
}

// A partition's format is no image's; disks and logical volumes have none. What they are made of stands by device.
TEST(StorageVolume, PartitionsAndDevices) {
  auto parse = [](const char* format, VolumeFormats formats) {
    return ParseVolume(Volume("<capacity>1</capacity><target><format type='" + std::string(format) + "'/></target>"), 0, formats);
  };
  EXPECT_EQ(parse("linux-swap", VolumeFormats::kPartitions).partition, PartitionFormat::kLinuxSwap);
  ExpectError([&] { parse("raw", VolumeFormats::kPartitions); }, ErrorDomain::kStorage, ErrorCode::kConfigUnsupported);
  VolumeDef v = parse("qcow2", VolumeFormats::kNone);
  EXPECT_EQ(v.target.format, StorageFormat::kRaw);
  v.extents = {{"/dev/a", 0, 10}, {"/dev/a", 20, 30}, {"/dev/b", 0, 5}};
  std::string out = Squeeze(FormatVolume(v));
  EXPECT_EQ(out.find("<format"), out.npos);
  EXPECT_NE(out.find("<source><device path='/dev/a'><extent start='0' end='10'/><extent start='20' end='30'/></device>"
                     "<device path='/dev/b'><extent start='0' end='5'/></device></source>"),
            out.npos)
      << out;
}

}  // namespace
}  // namespace bv::model
