PRAGMA application_id = 0x504C4731;
PRAGMA user_version = 1;
PRAGMA foreign_keys = OFF;
BEGIN TRANSACTION;
CREATE TABLE checkpoint (
  size INTEGER PRIMARY KEY CHECK (size > 0),
  root TEXT NOT NULL CHECK (length(root) = 64),
  note TEXT NOT NULL,
  created_at TEXT NOT NULL CHECK (created_at GLOB '????-??-??T??:??:??*Z')
) STRICT;
INSERT INTO "checkpoint" VALUES(5,'51a07c2cebf7001513556b247b634cf3aae6d684d692e08d300baf549a64d7d9','vectors.example/personactl/2d5179988a9f8e5a
5
UaB8LOv3ABUTVWske2NM86rm1oTWkuCNMAuvVJpk19k=

— vectors.example/personactl/2d5179988a9f8e5a VkBYCXzrdlq98yso7xXpUIWU5NaoK0144NA5NdxcYeDXfH2gLBdPVxsg94jetgRPAb7ebu6ydsWesXi1RxVG20gnWAc=
','2026-01-02T03:04:05Z');
CREATE TABLE cosignature (
  size INTEGER NOT NULL REFERENCES checkpoint (size),
  key_name TEXT NOT NULL,
  key_hash BLOB NOT NULL CHECK (length(key_hash) = 4),
  line TEXT NOT NULL,
  received_at TEXT NOT NULL CHECK (received_at GLOB '????-??-??T??:??:??*Z'),
  PRIMARY KEY (size, key_name, key_hash)
) STRICT, WITHOUT ROWID;
CREATE TABLE entry (
  idx INTEGER PRIMARY KEY CHECK (idx >= 0),
  leaf_hash BLOB NOT NULL UNIQUE CHECK (length(leaf_hash) = 32),
  kind TEXT NOT NULL,
  run TEXT,
  entry_id TEXT CHECK (length(entry_id) = 32),
  job_key TEXT CHECK (length(job_key) = 64),
  voids INTEGER CHECK (voids < idx),
  certifies TEXT,
  subject_name TEXT NOT NULL,
  subject_sha256 TEXT NOT NULL CHECK (length(subject_sha256) = 64),
  key_id TEXT NOT NULL,
  appended_at TEXT NOT NULL CHECK (appended_at GLOB '????-??-??T??:??:??*Z'),
  statement TEXT NOT NULL,
  leaf BLOB NOT NULL CHECK (length(leaf) BETWEEN 2 AND 65535)
) STRICT;
INSERT INTO "entry" VALUES(0,X'2D5179988A9F8E5A1B715E37D5AE1A3C9DC3325BC3988C189297087D537054A3','genesis',NULL,NULL,NULL,NULL,NULL,'ledger','0d6be0d9fdb940b23e2871386df79339ea0e96dfed0d93372ad581441b84ed1a','SHA256:8ljyPwCIp9HnDxtUXX2DjehUW63KJdKMMLUteVb2LEs=','2026-01-02T03:04:05Z','{"_type":"https://in-toto.io/Statement/v1","predicate":{"createdAt":"2026-01-02T03:04:05Z","development":true,"domain":"vectors.example","format":"personactl-ledger/1","ledgerId":"adfaf8d373ad84f356a4451698b568ca","rootKeys":[{"kid":"SHA256:8ljyPwCIp9HnDxtUXX2DjehUW63KJdKMMLUteVb2LEs=","publicKey":"zaDjgIGzquQdZiTBVpmEeUu3/fCdMx2M87S2Buqa/r4="}]},"predicateType":"urn:personactl:predicate:genesis:1","subject":[{"digest":{"sha256":"0d6be0d9fdb940b23e2871386df79339ea0e96dfed0d93372ad581441b84ed1a"},"name":"ledger"}]}',X'7B227061796C6F6164223A2265794A6664486C775A534936496D68306448427A4F69387661573474644739306279357062793954644746305A57316C626E5176646A45694C434A77636D566B61574E68644755694F6E736959334A6C5958526C5A454630496A6F694D6A41794E6930774D5330774D6C51774D7A6F774E446F774E566F694C434A6B5A585A6C62473977625756756443493664484A315A5377695A47397459576C75496A6F69646D566A644739796379356C654746746347786C496977695A6D397962574630496A6F69634756796332397559574E30624331735A57526E5A5849764D534973496D786C5A47646C636B6C6B496A6F695957526D595759345A444D334D32466B4F44526D4D7A5532595451304E5445324F5468694E545934593245694C434A796232393053325635637949365733736961326C6B496A6F69553068424D6A55324F6A6873616E6C5164304E4A63446C49626B52346446565957444A45616D566F565663324D30744B5A45744E5455785664475657596A4A4D52584D39496977696348566962476C6A53325635496A6F69656D4645616D644A523370786456466B576D6C55516C5A776255566C5658557A4C325A445A4531344D6B30344E314D79516E5678595339794E443069665631394C434A77636D566B61574E68644756556558426C496A6F6964584A754F6E426C636E4E76626D466A6447773663484A6C5A476C6A5958526C4F6D646C626D567A61584D364D534973496E4E31596D706C593351694F6C7437496D52705A32567A6443493665794A7A614745794E5459694F6949775A445A695A54426B4F575A6B596A6B304D4749794D3255794F4463784D7A67325A4759334F544D7A4F5756684D4755354E6D526D5A5751775A446B7A4D7A6379595751314F4445304E4446694F44526C5A444668496E3073496D3568625755694F694A735A57526E5A58496966563139222C227061796C6F616454797065223A226170706C69636174696F6E2F766E642E696E2D746F746F2B6A736F6E222C227369676E617475726573223A5B7B226B65796964223A225348413235363A386C6A79507743497039486E44787455585832446A6568555736334B4A644B4D4D4C5574655662324C45733D222C22736967223A226B72447570337351707556684569476C37356A444A31564334462F4C5757596D6C37414372596A69354E75374D726F6871586B7255455A54317555426C51667452593378686A70735655324638494F493172655844773D3D227D5D7D');
INSERT INTO "entry" VALUES(1,X'3985CFDD7FCDEA0DBCFB13BB92B06C0B946CA8C6CD0F14F9D5C155547335B91E','key-add',NULL,NULL,NULL,NULL,'SHA256:+nYZhBC+ZMho/7S57Faubq9dRi90acU5GiI+Ef3jNV0=','key','fa76198410be64c868ffb4b9ec56ae6eaf5d462f7469c5391a223e11fde3355d','SHA256:8ljyPwCIp9HnDxtUXX2DjehUW63KJdKMMLUteVb2LEs=','2026-01-02T03:04:05Z','{"_type":"https://in-toto.io/Statement/v1","predicate":{"addedAt":"2026-01-02T03:04:05Z","kid":"SHA256:+nYZhBC+ZMho/7S57Faubq9dRi90acU5GiI+Ef3jNV0=","origin":"vectors.example/personactl/2d5179988a9f8e5a","publicKey":"C2+l9XwWbjilNRDZjHg2NofaifQfDpSjjYEL7pOLI7Y=","role":"operator"},"predicateType":"urn:personactl:predicate:key-add:1","subject":[{"digest":{"sha256":"fa76198410be64c868ffb4b9ec56ae6eaf5d462f7469c5391a223e11fde3355d"},"name":"key"}]}',X'7B227061796C6F6164223A2265794A6664486C775A534936496D68306448427A4F69387661573474644739306279357062793954644746305A57316C626E5176646A45694C434A77636D566B61574E68644755694F6E73695957526B5A57524264434936496A49774D6A59744D4445744D444A554D444D364D4451364D4456614969776961326C6B496A6F69553068424D6A55324F6974755756706F516B4D72576B316F62793833557A5533526D4631596E45355A464A704F5442685931553152326C4A4B30566D4D32704F566A41394969776962334A705A326C75496A6F69646D566A644739796379356C654746746347786C4C33426C636E4E76626D466A644777764D6D51314D5463354F54673459546C6D4F47553159534973496E4231596D78705930746C65534936496B4D794B32773557486458596D7070624535535246707153476379546D396D59576C6D55575A4563464E71616C6C46544464775430784A4E316B3949697769636D39735A534936496D39775A584A6864473979496E3073496E42795A575270593246305A565235634755694F694A31636D3436634756796332397559574E3062447077636D566B61574E6864475536613256354C57466B5A446F784969776963335669616D566A64434936573373695A476C6E5A584E30496A7037496E4E6F595449314E694936496D5A684E7A59784F5467304D5442695A545930597A67324F475A6D596A52694F57566A4E545A685A545A6C595759315A4451324D6D59334E445935597A557A4F5446684D6A497A5A5445785A6D526C4D7A4D314E57516966537769626D46745A534936496D746C65534A395858303D222C227061796C6F616454797065223A226170706C69636174696F6E2F766E642E696E2D746F746F2B6A736F6E222C227369676E617475726573223A5B7B226B65796964223A225348413235363A386C6A79507743497039486E44787455585832446A6568555736334B4A644B4D4D4C5574655662324C45733D222C22736967223A2256484452585464386B516F5566305164626B6259414E774466614651494855456464644E507357425742654D454D7A3439446674746B51643352566B6171445477576247326A5A55647A424B6343327741352F3944513D3D227D5D7D');
INSERT INTO "entry" VALUES(2,X'65E7FB582CF8935B00576E2FB748849FDF88648368100C28EB7EEED2327FEB90','key-add',NULL,NULL,NULL,NULL,'SHA256:k97HBaOtuCqe70rWBL0mFgE+/4I47yjMo6NheIX35yE=','key','93dec705a3adb82a9eef4ad604bd2616013eff8238ef28cca3a3617885f7e721','SHA256:8ljyPwCIp9HnDxtUXX2DjehUW63KJdKMMLUteVb2LEs=','2026-01-02T03:04:05Z','{"_type":"https://in-toto.io/Statement/v1","predicate":{"addedAt":"2026-01-02T03:04:05Z","kid":"SHA256:k97HBaOtuCqe70rWBL0mFgE+/4I47yjMo6NheIX35yE=","origin":"vectors.example/personactl/2d5179988a9f8e5a","publicKey":"LAXpDijcCOaJ2NcDxQ00XCezWownSdYOIjwojfIkRR4=","role":"ledger","vkeys":["vectors.example/personactl/2d5179988a9f8e5a+56405809+ASwF6Q4o3AjmidjXA8UNNFwns1qMJ0nWDiI8KI3yJEUe"]},"predicateType":"urn:personactl:predicate:key-add:1","subject":[{"digest":{"sha256":"93dec705a3adb82a9eef4ad604bd2616013eff8238ef28cca3a3617885f7e721"},"name":"key"}]}',X'7B227061796C6F6164223A2265794A6664486C775A534936496D68306448427A4F69387661573474644739306279357062793954644746305A57316C626E5176646A45694C434A77636D566B61574E68644755694F6E73695957526B5A57524264434936496A49774D6A59744D4445744D444A554D444D364D4451364D4456614969776961326C6B496A6F69553068424D6A55324F6D73354E3068435955393064554E785A546377636C644354444274526D64464B793830535451336557704E627A5A4F6147564A57444D31655555394969776962334A705A326C75496A6F69646D566A644739796379356C654746746347786C4C33426C636E4E76626D466A644777764D6D51314D5463354F54673459546C6D4F47553159534973496E4231596D78705930746C65534936496B7842574842456157706A51303968536A4A4F593052345554417757454E6C656C6476643235545A466C50535770336232706D53577453556A513949697769636D39735A534936496D786C5A47646C63694973496E5A725A586C7A496A7062496E5A6C59335276636E4D755A586868625842735A5339775A584A7A62323568593352734C7A4A6B4E5445334F546B344F4745355A6A686C4E5745724E5459304D4455344D446B7251564E33526A5A524E47387A5157707461575271574545345655354F526E6475637A467854556F77626C644561556B3453306B7A655570465657556958583073496E42795A575270593246305A565235634755694F694A31636D3436634756796332397559574E3062447077636D566B61574E6864475536613256354C57466B5A446F784969776963335669616D566A64434936573373695A476C6E5A584E30496A7037496E4E6F595449314E694936496A6B7A5A47566A4E7A413159544E685A4749344D6D45355A57566D4E47466B4E6A4130596D51794E6A45324D44457A5A575A6D4F44497A4F47566D4D6A686A5932457A59544D324D5463344F44566D4E3255334D6A456966537769626D46745A534936496D746C65534A395858303D222C227061796C6F616454797065223A226170706C69636174696F6E2F766E642E696E2D746F746F2B6A736F6E222C227369676E617475726573223A5B7B226B65796964223A225348413235363A386C6A79507743497039486E44787455585832446A6568555736334B4A644B4D4D4C5574655662324C45733D222C22736967223A225845356D55624373744A2B2F683768584E6658584861484654472B71713379736355674F75516967735255796350544375616B35664F31345A61502F764E6C2B672F783876436C36487749775748416F43746F3044673D3D227D5D7D');
INSERT INTO "entry" VALUES(3,X'4791DE57BD498C15AF38284EF34633CA50DF98FEE58CA387882B9759B9EBF0F1','key-add',NULL,NULL,NULL,NULL,'SHA256:D1q9oYHuu6671lNgvw69mHsAU50X2kfU3qu+L7OPS3k=','key','0f5abda181eebbaebbd65360bf0ebd987b00539d17da47d4deabbe2fb38f4b79','SHA256:8ljyPwCIp9HnDxtUXX2DjehUW63KJdKMMLUteVb2LEs=','2026-01-02T03:04:05Z','{"_type":"https://in-toto.io/Statement/v1","predicate":{"addedAt":"2026-01-02T03:04:05Z","kid":"SHA256:D1q9oYHuu6671lNgvw69mHsAU50X2kfU3qu+L7OPS3k=","origin":"vectors.example/personactl/2d5179988a9f8e5a","publicKey":"NmaUbeTd/G9MY29D6WQNBwNi12fYflg+S83dqK7JAOA=","role":"person"},"predicateType":"urn:personactl:predicate:key-add:1","subject":[{"digest":{"sha256":"0f5abda181eebbaebbd65360bf0ebd987b00539d17da47d4deabbe2fb38f4b79"},"name":"key"}]}',X'7B227061796C6F6164223A2265794A6664486C775A534936496D68306448427A4F69387661573474644739306279357062793954644746305A57316C626E5176646A45694C434A77636D566B61574E68644755694F6E73695957526B5A57524264434936496A49774D6A59744D4445744D444A554D444D364D4451364D4456614969776961326C6B496A6F69553068424D6A55324F6B517863546C7657556831645459324E7A4673546D6432647A59356255687A515655314D46677961325A564D3346314B307733543142544D3273394969776962334A705A326C75496A6F69646D566A644739796379356C654746746347786C4C33426C636E4E76626D466A644777764D6D51314D5463354F54673459546C6D4F47553159534973496E4231596D78705930746C65534936496B3574595656695A56526B4C30633554566B794F5551325631464F516E644F615445795A6C6C6D62476372557A677A5A48464C4E3070425430453949697769636D39735A534936496E426C636E4E7662694A394C434A77636D566B61574E68644756556558426C496A6F6964584A754F6E426C636E4E76626D466A6447773663484A6C5A476C6A5958526C4F6D746C655331685A4751364D534973496E4E31596D706C593351694F6C7437496D52705A32567A6443493665794A7A614745794E5459694F6949775A6A5668596D52684D5467785A575669596D466C596D4A6B4E6A557A4E6A42695A6A426C596D51354F4464694D4441314D7A6C6B4D54646B595451335A44526B5A574669596D55795A6D497A4F475930596A6335496E3073496D3568625755694F694A725A586B6966563139222C227061796C6F616454797065223A226170706C69636174696F6E2F766E642E696E2D746F746F2B6A736F6E222C227369676E617475726573223A5B7B226B65796964223A225348413235363A386C6A79507743497039486E44787455585832446A6568555736334B4A644B4D4D4C5574655662324C45733D222C22736967223A226273736C6C5A4466344F71696C642B636830695A4D4F6267527271726E3876554F6B3231307678692B644C564F6652594447335676793335787739695347376849326336774C4E346553763069724A317536737241673D3D227D5D7D');
INSERT INTO "entry" VALUES(4,X'05CCE844334EE4863A02C3BB833420418AAC8BEEE72DC05A090D0D1782D6B4B1','trust',NULL,NULL,NULL,NULL,NULL,'trust','5666207fe23c3931c675f29c83bccfba4ece60d5cc8f21f1d9396fbe18146c2b','SHA256:+nYZhBC+ZMho/7S57Faubq9dRi90acU5GiI+Ef3jNV0=','2026-01-02T03:04:05Z','{"_type":"https://in-toto.io/Statement/v1","predicate":{"approvers":{"keys":["SHA256:D1q9oYHuu6671lNgvw69mHsAU50X2kfU3qu+L7OPS3k="],"threshold":1},"origin":"vectors.example/personactl/2d5179988a9f8e5a","setAt":"2026-01-02T03:04:05Z","version":1,"witnesses":null},"predicateType":"urn:personactl:predicate:trust:1","subject":[{"digest":{"sha256":"5666207fe23c3931c675f29c83bccfba4ece60d5cc8f21f1d9396fbe18146c2b"},"name":"trust"}]}',X'7B227061796C6F6164223A2265794A6664486C775A534936496D68306448427A4F69387661573474644739306279357062793954644746305A57316C626E5176646A45694C434A77636D566B61574E68644755694F6E736959584277636D39325A584A7A496A7037496D746C65584D694F6C7369553068424D6A55324F6B517863546C7657556831645459324E7A4673546D6432647A59356255687A515655314D46677961325A564D3346314B307733543142544D327339496C3073496E526F636D567A614739735A4349364D583073496D39796157647062694936496E5A6C59335276636E4D755A586868625842735A5339775A584A7A62323568593352734C7A4A6B4E5445334F546B344F4745355A6A686C4E5745694C434A7A5A58524264434936496A49774D6A59744D4445744D444A554D444D364D4451364D44566149697769646D567963326C76626949364D53776964326C30626D567A6332567A496A7075645778736653776963484A6C5A476C6A5958526C56486C775A534936496E5679626A70775A584A7A62323568593352734F6E42795A575270593246305A547030636E567A64446F784969776963335669616D566A64434936573373695A476C6E5A584E30496A7037496E4E6F595449314E694936496A55324E6A59794D44646D5A54497A597A4D354D7A466A4E6A63315A6A4935597A677A596D4E6A5A6D4A684E47566A5A5459775A44566A597A686D4D6A466D4D5751354D7A6B325A6D4A6C4D5467784E445A6A4D6D496966537769626D46745A534936496E527964584E30496E316466513D3D222C227061796C6F616454797065223A226170706C69636174696F6E2F766E642E696E2D746F746F2B6A736F6E222C227369676E617475726573223A5B7B226B65796964223A225348413235363A2B6E595A6842432B5A4D686F2F375335374661756271396452693930616355354769492B4566336A4E56303D222C22736967223A226547526D6D4362396441556141306E336E3345394C726652575458636F55702B77363738483850576864534B683750514A68317341495175704E57616A7447717776676D6D74586342376D2F726554334F45653443513D3D227D5D7D');
CREATE TABLE sealed (
  idx INTEGER NOT NULL REFERENCES entry (idx),
  field TEXT NOT NULL,
  salt BLOB NOT NULL CHECK (length(salt) = 32),
  value TEXT NOT NULL,
  PRIMARY KEY (idx, field)
) STRICT, WITHOUT ROWID;
CREATE TABLE tile (
  level INTEGER NOT NULL CHECK (level BETWEEN 0 AND 7),
  idx INTEGER NOT NULL CHECK (idx >= 0),
  hashes BLOB NOT NULL CHECK (length(hashes) = 8192),
  root BLOB NOT NULL CHECK (length(root) = 32),
  PRIMARY KEY (level, idx)
) STRICT, WITHOUT ROWID;
CREATE TABLE timestamp (
  id INTEGER PRIMARY KEY,
  size INTEGER NOT NULL REFERENCES checkpoint (size),
  tsa TEXT NOT NULL,
  hash_algorithm TEXT NOT NULL CHECK (hash_algorithm IN
    ('sha256', 'sha384', 'sha512', 'sha3-256', 'sha3-384', 'sha3-512')),
  token BLOB NOT NULL,
  covers INTEGER REFERENCES timestamp (id),
  evidence BLOB,
  received_at TEXT NOT NULL CHECK (received_at GLOB '????-??-??T??:??:??*Z')
) STRICT;
CREATE INDEX entry_kind ON entry (kind, idx);
CREATE INDEX entry_run ON entry (run, kind, idx) WHERE run IS NOT NULL;
CREATE INDEX entry_subject ON entry (subject_sha256);
CREATE UNIQUE INDEX entry_entry_id ON entry (entry_id) WHERE entry_id IS NOT NULL AND kind IN ('output', 'reject', 'adoption');
CREATE INDEX entry_job_key ON entry (job_key) WHERE kind = 'output';
CREATE UNIQUE INDEX entry_voids ON entry (voids) WHERE voids IS NOT NULL;
CREATE UNIQUE INDEX entry_certifies ON entry (certifies) WHERE certifies IS NOT NULL;
CREATE TRIGGER entry_dense BEFORE INSERT ON entry
  WHEN NEW.idx IS NOT (SELECT coalesce(max(idx) + 1, 0) FROM entry)
  BEGIN SELECT RAISE(ABORT, 'ledger: entries are appended in order'); END;
CREATE TRIGGER entry_no_update BEFORE UPDATE ON entry BEGIN SELECT RAISE(ABORT, 'ledger: append-only'); END;
CREATE TRIGGER entry_no_delete BEFORE DELETE ON entry BEGIN SELECT RAISE(ABORT, 'ledger: append-only'); END;
CREATE TRIGGER tile_dense BEFORE INSERT ON tile
  WHEN NEW.idx IS NOT (SELECT coalesce(max(idx) + 1, 0) FROM tile WHERE level = NEW.level)
  BEGIN SELECT RAISE(ABORT, 'ledger: tiles are appended in order'); END;
CREATE TRIGGER tile_no_update BEFORE UPDATE ON tile BEGIN SELECT RAISE(ABORT, 'ledger: append-only'); END;
CREATE TRIGGER tile_no_delete BEFORE DELETE ON tile BEGIN SELECT RAISE(ABORT, 'ledger: append-only'); END;
CREATE TRIGGER checkpoint_grows BEFORE INSERT ON checkpoint
  WHEN NEW.size <= (SELECT coalesce(max(size), 0) FROM checkpoint)
    OR NEW.size > (SELECT coalesce(max(idx) + 1, 0) FROM entry)
  BEGIN SELECT RAISE(ABORT, 'ledger: checkpoints grow with the log'); END;
CREATE TRIGGER checkpoint_no_update BEFORE UPDATE ON checkpoint BEGIN SELECT RAISE(ABORT, 'ledger: append-only'); END;
CREATE TRIGGER checkpoint_no_delete BEFORE DELETE ON checkpoint BEGIN SELECT RAISE(ABORT, 'ledger: append-only'); END;
CREATE TRIGGER cosignature_once BEFORE INSERT ON cosignature
  WHEN EXISTS (SELECT 1 FROM cosignature
               WHERE size = NEW.size AND key_name = NEW.key_name AND key_hash = NEW.key_hash)
  BEGIN SELECT RAISE(ABORT, 'ledger: append-only'); END;
CREATE TRIGGER cosignature_no_update BEFORE UPDATE ON cosignature BEGIN SELECT RAISE(ABORT, 'ledger: append-only'); END;
CREATE TRIGGER cosignature_no_delete BEFORE DELETE ON cosignature BEGIN SELECT RAISE(ABORT, 'ledger: append-only'); END;
CREATE TRIGGER timestamp_dense BEFORE INSERT ON timestamp
  WHEN NEW.id IS NOT (SELECT coalesce(max(id) + 1, 1) FROM timestamp)
  BEGIN SELECT RAISE(ABORT, 'ledger: time stamps are appended in order'); END;
CREATE TRIGGER timestamp_no_update BEFORE UPDATE ON timestamp BEGIN SELECT RAISE(ABORT, 'ledger: append-only'); END;
CREATE TRIGGER timestamp_no_delete BEFORE DELETE ON timestamp BEGIN SELECT RAISE(ABORT, 'ledger: append-only'); END;
CREATE TRIGGER sealed_once BEFORE INSERT ON sealed
  WHEN EXISTS (SELECT 1 FROM sealed WHERE idx = NEW.idx AND field = NEW.field)
  BEGIN SELECT RAISE(ABORT, 'ledger: a sealed value is written once'); END;
CREATE TRIGGER sealed_no_update BEFORE UPDATE ON sealed BEGIN SELECT RAISE(ABORT, 'ledger: append-only'); END;
CREATE VIEW v_timeline AS
  SELECT idx, json_extract(statement, '$.predicate.' || CASE kind
      WHEN 'genesis' THEN 'createdAt' WHEN 'trust' THEN 'setAt' WHEN 'key-add' THEN 'addedAt'
      WHEN 'key-retire' THEN 'retiredAt' WHEN 'key-revoke' THEN 'revokedAt' WHEN 'run-open' THEN 'startedAt'
      WHEN 'run-close' THEN 'closedAt' WHEN 'output' THEN 'generatedAt' WHEN 'reject' THEN 'generatedAt'
      WHEN 'persona-freeze' THEN 'frozenAt' WHEN 'calibration' THEN 'calibratedAt' WHEN 'training' THEN 'trainedAt'
      WHEN 'adoption' THEN 'adoptedAt' WHEN 'withdrawal' THEN 'withdrawnAt' WHEN 'refusal' THEN 'refusedAt'
      WHEN 'release' THEN 'releasedAt' WHEN 'erasure' THEN 'erasedAt' WHEN 'timestamp' THEN 'stampedAt'
      WHEN 'restore' THEN 'restoredAt' WHEN 'migration' THEN 'migratedAt' WHEN 'merge' THEN 'mergedAt'
      WHEN 'merged' THEN 'mergedAt' WHEN 'note' THEN 'notedAt' WHEN 'approval' THEN 'decidedAt' END) AS signed_time,
    kind, run, subject_name, subject_sha256, key_id AS signed_by, appended_at AS writer_clock
  FROM entry ORDER BY idx;
CREATE VIEW v_output AS
  SELECT o.idx, json_extract(o.statement, '$.predicate.generatedAt') AS generated_at, o.run,
    json_extract(o.statement, '$.predicate.persona.id') AS persona,
    json_extract(o.statement, '$.predicate.persona.version') AS persona_version,
    json_extract(o.statement, '$.predicate.shot') AS shot,
    json_extract(o.statement, '$.predicate.index') AS shot_index,
    o.subject_name AS file, o.subject_sha256 AS file_sha256,
    json_extract(o.statement, '$.predicate.model.name') AS model,
    json_extract(o.statement, '$.predicate.seed') AS seed,
    json_extract(o.statement, '$.predicate.attempt') AS attempt,
    json_extract(o.statement, '$.predicate.identity.verdict') AS identity_verdict,
    json_extract(o.statement, '$.predicate.identity.score') AS identity_score,
    json_extract(o.statement, '$.predicate.identity.threshold') AS identity_threshold,
    json_extract(o.statement, '$.predicate.identity.calibrationId') AS calibration_id,
    json_extract(o.statement, '$.predicate.disclosure.layers') AS disclosure_layers,
    json_extract(o.statement, '$.predicate.iscc') AS iscc,
    o.entry_id, o.job_key,
    (SELECT v.idx FROM entry AS v WHERE v.voids = o.idx) AS voided_by,
    o.key_id AS signed_by, o.appended_at AS writer_clock
  FROM entry AS o WHERE likelihood(o.kind = 'output', 0.9) ORDER BY o.idx;
CREATE VIEW v_reject AS
  SELECT idx, json_extract(statement, '$.predicate.generatedAt') AS generated_at, run,
    json_extract(statement, '$.predicate.persona.id') AS persona,
    json_extract(statement, '$.predicate.persona.version') AS persona_version,
    json_extract(statement, '$.predicate.shot') AS shot,
    json_extract(statement, '$.predicate.index') AS shot_index,
    json_extract(statement, '$.predicate.attempt') AS attempt,
    json_extract(statement, '$.predicate.reason') AS reason,
    json_extract(statement, '$.predicate.identity.verdict') AS identity_verdict,
    json_extract(statement, '$.predicate.identity.score') AS identity_score,
    json_extract(statement, '$.predicate.identity.threshold') AS identity_threshold,
    entry_id, key_id AS signed_by, appended_at AS writer_clock
  FROM entry WHERE likelihood(kind = 'reject', 0.9) ORDER BY idx;
CREATE VIEW v_run AS
  SELECT o.idx AS opened_by, o.run, json_extract(o.statement, '$.predicate.startedAt') AS started_at,
    json_extract(o.statement, '$.predicate.planned') AS planned,
    json_extract(o.statement, '$.predicate.planSha256') AS plan_sha256,
    json_extract(o.statement, '$.predicate.persona.id') AS persona,
    json_extract(o.statement, '$.predicate.persona.version') AS persona_version,
    json_extract(o.statement, '$.predicate.campaign.id') AS campaign,
    c.idx AS closed_by, json_extract(c.statement, '$.predicate.closedAt') AS closed_at,
    json_extract(c.statement, '$.predicate.done') AS done,
    json_extract(c.statement, '$.predicate.failed') AS failed,
    json_extract(c.statement, '$.predicate.rejected') AS rejected,
    json_extract(c.statement, '$.predicate.skipped') AS skipped,
    json_extract(c.statement, '$.predicate.takenOver') AS taken_over,
    o.key_id AS signed_by, o.appended_at AS writer_clock
  FROM entry AS o
  LEFT JOIN entry AS c ON c.kind = 'run-close' AND c.run = o.run
    AND json_extract(c.statement, '$.predicate.firstIndex') = o.idx
  WHERE o.kind = 'run-open' ORDER BY o.idx;
CREATE VIEW v_holder AS
  SELECT k.idx AS since_entry, k.certifies AS key_id, coalesce(
    (SELECT s.value FROM sealed AS s WHERE s.idx = k.idx AND s.field = 'name'),
    (SELECT '(erased by entry ' || x.idx || ')'
     FROM entry AS x, json_each(x.statement, '$.predicate.erases') AS i,
       json_each(x.statement, i.fullkey || '.fields') AS f
     WHERE x.kind = 'erasure' AND json_extract(x.statement, i.fullkey || '.index') = k.idx AND f.value = 'name'),
    '(not in this file)') AS holder
  FROM entry AS k
  WHERE k.certifies IS NOT NULL AND json_extract(k.statement, '$.predicate.sealed.name') IS NOT NULL;
CREATE VIEW v_signer AS
  SELECT e.idx, e.kind, s.key + 1 AS place, json_extract(CAST(e.leaf AS TEXT), s.fullkey || '.keyid') AS key_id,
    coalesce((SELECT CASE k.kind WHEN 'run-open' THEN 'run' ELSE json_extract(k.statement, '$.predicate.role') END
      FROM entry AS k WHERE k.certifies = json_extract(CAST(e.leaf AS TEXT), s.fullkey || '.keyid')), 'root') AS role,
    coalesce((SELECT k.idx FROM entry AS k
      WHERE k.certifies = json_extract(CAST(e.leaf AS TEXT), s.fullkey || '.keyid')), 0) AS key_since,
    (SELECT h.holder FROM v_holder AS h
     WHERE h.key_id = json_extract(CAST(e.leaf AS TEXT), s.fullkey || '.keyid')) AS holder
  FROM entry AS e, json_each(CAST(e.leaf AS TEXT), '$.signatures') AS s ORDER BY e.idx, s.id;
CREATE VIEW v_keys AS
  WITH known (since_entry, since, role, key_id, run) AS (
    SELECT e.idx, json_extract(e.statement, '$.predicate.createdAt'), 'root',
      json_extract(e.statement, k.fullkey || '.kid'), NULL
    FROM entry AS e, json_each(e.statement, '$.predicate.rootKeys') AS k WHERE e.kind = 'genesis'
    UNION ALL
    SELECT e.idx, coalesce(
        json_extract(e.statement, '$.predicate.addedAt'), json_extract(e.statement, '$.predicate.startedAt')),
      CASE e.kind WHEN 'run-open' THEN 'run' ELSE json_extract(e.statement, '$.predicate.role') END, e.certifies, e.run
    FROM entry AS e WHERE e.certifies IS NOT NULL),
  ended (idx, kind, key_id, from_entry, at, reason) AS (
    SELECT e.idx, e.kind, json_extract(e.statement, '$.predicate.kid'),
      json_extract(e.statement, '$.predicate.fromIndex'), coalesce(
        json_extract(e.statement, '$.predicate.retiredAt'), json_extract(e.statement, '$.predicate.revokedAt')),
      json_extract(e.statement, '$.predicate.reason')
    FROM entry AS e WHERE e.kind IN ('key-retire', 'key-revoke'))
  SELECT k.since_entry, k.since, k.role, k.key_id, k.run, a.idx AS retired_by, b.idx AS revoked_by,
    b.from_entry AS revoked_from, a.at AS retired_at, b.at AS revoked_at, coalesce(b.reason, a.reason) AS reason,
    (SELECT h.holder FROM v_holder AS h WHERE h.key_id = k.key_id) AS holder
  FROM known AS k
  LEFT JOIN ended AS a ON a.key_id = k.key_id AND a.kind = 'key-retire'
  LEFT JOIN ended AS b ON b.key_id = k.key_id AND b.kind = 'key-revoke'
  ORDER BY k.since_entry, k.key_id;
CREATE VIEW v_approval AS
  SELECT a.idx, json_extract(a.statement, '$.predicate.decidedAt') AS decided_at,
    json_extract(a.statement, '$.predicate.decision') AS decision, a.run,
    a.subject_name, a.subject_sha256, a.key_id AS signed_by,
    json_extract(a.statement, '$.predicate.reason') AS reason,
    json_extract(a.statement, '$.predicate.count') AS files,
    (SELECT group_concat(coalesce((SELECT h.holder FROM v_holder AS h
        WHERE h.key_id = json_extract(CAST(a.leaf AS TEXT), s.fullkey || '.keyid')),
        json_extract(CAST(a.leaf AS TEXT), s.fullkey || '.keyid')), ', ')
     FROM json_each(CAST(a.leaf AS TEXT), '$.signatures') AS s) AS persons,
    a.appended_at AS writer_clock
  FROM entry AS a WHERE a.kind = 'approval' ORDER BY a.idx;
CREATE VIEW v_approved_file AS
  SELECT a.idx, json_extract(a.statement, '$.predicate.decidedAt') AS decided_at,
    json_extract(a.statement, f.fullkey || '.name') AS file,
    json_extract(a.statement, f.fullkey || '.sha256') AS file_sha256,
    json_extract(a.statement, f.fullkey || '.decision') AS decision,
    coalesce(nullif(json_extract(a.statement, f.fullkey || '.reason'), ''),
      json_extract(a.statement, '$.predicate.reason')) AS reason,
    a.run, s.holder AS person, s.key_id AS signed_by, s.key_since AS key_enrolled_by, a.appended_at AS writer_clock
  FROM entry AS a, json_each(a.statement, '$.predicate.files') AS f, v_signer AS s
  WHERE a.kind = 'approval' AND s.idx = a.idx ORDER BY a.idx, f.id, s.place;
CREATE VIEW v_persona AS
  SELECT idx, json_extract(statement, '$.predicate.frozenAt') AS frozen_at,
    json_extract(statement, '$.predicate.persona.id') AS persona,
    json_extract(statement, '$.predicate.persona.version') AS persona_version,
    json_extract(statement, '$.predicate.persona.parent') AS parent,
    json_extract(statement, '$.predicate.personaOrigin') AS persona_origin,
    json_extract(statement, '$.predicate.consentSha256') AS consent_sha256,
    subject_sha256 AS record_sha256, key_id AS signed_by, appended_at AS writer_clock
  FROM entry WHERE kind = 'persona-freeze' ORDER BY idx;
CREATE VIEW v_adoption AS
  SELECT a.idx, json_extract(a.statement, '$.predicate.adoptedAt') AS adopted_at, a.run,
    json_extract(a.statement, '$.predicate.persona.id') AS persona,
    json_extract(a.statement, '$.predicate.persona.version') AS persona_version,
    a.subject_name AS file, a.subject_sha256 AS file_sha256,
    json_extract(a.statement, '$.predicate.generator.name') AS generator,
    json_extract(a.statement, '$.predicate.identity.verdict') AS identity_verdict,
    a.entry_id,
    (SELECT w.idx FROM entry AS w WHERE w.voids = a.idx) AS withdrawn_by,
    a.key_id AS signed_by, a.appended_at AS writer_clock
  FROM entry AS a WHERE a.kind = 'adoption' ORDER BY a.idx;
CREATE VIEW v_release AS
  SELECT idx, json_extract(statement, '$.predicate.releasedAt') AS released_at, run,
    json_extract(statement, '$.predicate.count') AS files,
    json_extract(statement, '$.predicate.approvals') AS approvals,
    subject_name, subject_sha256, key_id AS signed_by, appended_at AS writer_clock
  FROM entry WHERE kind = 'release' ORDER BY idx;
CREATE VIEW v_erasure AS
  SELECT idx, json_extract(statement, '$.predicate.erasedAt') AS erased_at,
    json_extract(statement, '$.predicate.erases') AS erases,
    json_extract(statement, '$.predicate.basis') AS basis,
    subject_name, subject_sha256, key_id AS signed_by, appended_at AS writer_clock
  FROM entry WHERE kind = 'erasure' ORDER BY idx;
CREATE VIEW v_trust AS
  SELECT idx, json_extract(statement, '$.predicate.setAt') AS set_at,
    json_extract(statement, '$.predicate.approvers.threshold') AS approver_threshold,
    json_extract(statement, '$.predicate.approvers.keys') AS approvers,
    json_extract(statement, '$.predicate.witnesses') AS witnesses,
    subject_sha256 AS trust_sha256, key_id AS signed_by, appended_at AS writer_clock
  FROM entry WHERE kind = 'trust' ORDER BY idx;
CREATE VIEW v_checkpoint AS
  SELECT size, root, created_at AS writer_clock,
    (SELECT count(*) FROM cosignature AS c WHERE c.size = checkpoint.size) AS cosignatures,
    (SELECT count(*) FROM timestamp AS t WHERE t.size = checkpoint.size) AS timestamps
  FROM checkpoint ORDER BY size;
CREATE VIEW v_run_end AS
  SELECT c.idx, json_extract(c.statement, '$.predicate.closedAt') AS closed_at, c.run,
    json_extract(c.statement, '$.predicate.firstIndex') AS first_entry,
    json_extract(c.statement, '$.predicate.lastIndex') AS last_entry,
    json_extract(c.statement, '$.predicate.planned') AS planned,
    json_extract(c.statement, '$.predicate.outputs') AS outputs_said,
    (SELECT count(*) FROM entry AS o WHERE o.run = c.run AND o.kind = 'output'
     AND o.idx > json_extract(c.statement, '$.predicate.firstIndex') AND o.idx < c.idx) AS outputs_found,
    json_extract(c.statement, '$.predicate.rejects') AS rejects_said,
    (SELECT count(*) FROM entry AS r WHERE r.run = c.run AND r.kind = 'reject'
     AND r.idx > json_extract(c.statement, '$.predicate.firstIndex') AND r.idx < c.idx) AS rejects_found,
    (SELECT count(*) FROM entry AS v WHERE v.run = c.run AND v.kind = 'void'
     AND v.idx > json_extract(c.statement, '$.predicate.firstIndex') AND v.idx < c.idx) AS voids_found,
    c.key_id AS signed_by, c.appended_at AS writer_clock
  FROM entry AS c WHERE c.kind = 'run-close' ORDER BY c.idx;
CREATE VIEW v_void AS
  SELECT idx, run, voids, subject_name AS file, subject_sha256 AS file_sha256,
    json_extract(statement, '$.predicate.reason') AS reason, key_id AS signed_by, appended_at AS writer_clock
  FROM entry WHERE kind = 'void' ORDER BY idx;
CREATE VIEW v_persona_output AS
  SELECT json_extract(r.statement, '$.predicate.persona.id') AS persona,
    json_extract(r.statement, '$.predicate.persona.version') AS persona_version, o.idx,
    json_extract(o.statement, '$.predicate.generatedAt') AS generated_at, o.run, o.subject_name AS file,
    o.subject_sha256 AS file_sha256,
    json_extract(o.statement, '$.predicate.identity.verdict') AS identity_verdict,
    json_extract(o.statement, '$.predicate.identity.score') AS identity_score,
    json_extract(o.statement, '$.predicate.identity.threshold') AS identity_threshold,
    (SELECT v.idx FROM entry AS v WHERE v.voids = o.idx) AS voided_by
  FROM entry AS r CROSS JOIN entry AS o
  WHERE r.kind = 'run-open' AND o.kind = 'output' AND o.run = r.run AND o.idx > r.idx
    AND NOT EXISTS (
      SELECT 1 FROM entry AS b WHERE b.run = r.run AND b.kind = 'run-open' AND b.idx > r.idx AND b.idx < o.idx);
CREATE VIEW v_released_file AS
  SELECT e.idx, json_extract(e.statement, '$.predicate.releasedAt') AS released_at,
    json_extract(e.statement, f.fullkey || '.name') AS file,
    json_extract(e.statement, f.fullkey || '.sha256') AS file_sha256,
    json_extract(e.statement, f.fullkey || '.index') AS output,
    e.run, e.key_id AS signed_by, e.appended_at AS writer_clock
  FROM entry AS e, json_each(e.statement, '$.predicate.files') AS f WHERE e.kind = 'release' ORDER BY e.idx, f.id;
CREATE VIEW v_file AS
  SELECT e.subject_sha256 AS file_sha256, e.subject_name AS file, e.idx, e.kind, e.run,
    CASE e.kind WHEN 'output' THEN json_extract(e.statement, '$.predicate.identity.verdict')
      ELSE json_extract(e.statement, '$.predicate.reason') END AS said,
    e.key_id AS signed_by, e.appended_at AS writer_clock
  FROM entry AS e
  UNION ALL
  SELECT f.file_sha256, f.file, f.idx, 'approval', f.run,
    coalesce(f.decision, 'no decision') || coalesce(' by ' || f.person, ''), f.signed_by, f.writer_clock
  FROM v_approved_file AS f
  UNION ALL
  SELECT f.file_sha256, f.file, f.idx, 'release', f.run, 'in the bundle', f.signed_by, f.writer_clock
  FROM v_released_file AS f;
CREATE VIEW v_genesis AS
  SELECT idx, json_extract(statement, '$.predicate.createdAt') AS created_at,
    json_extract(statement, '$.predicate.domain') AS domain,
    json_extract(statement, '$.predicate.ledgerId') AS ledger_id,
    json_extract(statement, '$.predicate.format') AS format,
    json_extract(statement, '$.predicate.development') AS development,
    coalesce(json_extract(statement, '$.predicate.rootThreshold'), 1) AS root_threshold, appended_at AS writer_clock
  FROM entry WHERE kind = 'genesis' ORDER BY idx;
CREATE VIEW v_calibration AS
  SELECT idx, json_extract(statement, '$.predicate.calibratedAt') AS calibrated_at,
    json_extract(statement, '$.predicate.persona.id') AS persona,
    json_extract(statement, '$.predicate.persona.version') AS persona_version,
    json_extract(statement, '$.predicate.threshold') AS threshold,
    json_extract(statement, '$.predicate.samples') AS samples,
    json_extract(statement, '$.predicate.recogniserSha256') AS recogniser_sha256,
    json_extract(statement, '$.predicate.detectorSha256') AS detector_sha256,
    subject_sha256 AS calibration_id, key_id AS signed_by, appended_at AS writer_clock
  FROM entry WHERE kind = 'calibration' ORDER BY idx;
CREATE VIEW v_training AS
  SELECT idx, json_extract(statement, '$.predicate.trainedAt') AS trained_at,
    json_extract(statement, '$.predicate.persona.id') AS persona,
    json_extract(statement, '$.predicate.persona.version') AS persona_version,
    json_extract(statement, '$.predicate.model.name') AS model,
    json_extract(statement, '$.predicate.model.sha256') AS model_sha256,
    json_extract(statement, '$.predicate.count') AS items,
    json_extract(statement, '$.predicate.dataSha256') AS data_sha256,
    subject_name AS file, subject_sha256 AS file_sha256, key_id AS signed_by, appended_at AS writer_clock
  FROM entry WHERE kind = 'training' ORDER BY idx;
CREATE VIEW v_refusal AS
  SELECT idx, json_extract(statement, '$.predicate.refusedAt') AS refused_at, run,
    json_extract(statement, '$.predicate.rule.id') AS rule,
    json_extract(statement, '$.predicate.rule.policySha256') AS policy_sha256,
    json_extract(statement, '$.predicate.reason') AS reason,
    subject_name, subject_sha256, key_id AS signed_by, appended_at AS writer_clock
  FROM entry WHERE kind = 'refusal' ORDER BY idx;
CREATE VIEW v_withdrawal AS
  SELECT idx, json_extract(statement, '$.predicate.withdrawnAt') AS withdrawn_at, voids AS withdraws,
    subject_name AS file, subject_sha256 AS file_sha256,
    json_extract(statement, '$.predicate.reason') AS reason, key_id AS signed_by, appended_at AS writer_clock
  FROM entry WHERE kind = 'withdrawal' ORDER BY idx;
CREATE VIEW v_note AS
  SELECT idx, json_extract(statement, '$.predicate.notedAt') AS noted_at,
    json_extract(statement, '$.predicate.text') AS text,
    subject_name, subject_sha256, key_id AS signed_by, appended_at AS writer_clock
  FROM entry WHERE kind = 'note' ORDER BY idx;
CREATE VIEW v_origin AS
  SELECT idx, kind, coalesce(json_extract(statement, '$.predicate.restoredAt'),
      json_extract(statement, '$.predicate.migratedAt'), json_extract(statement, '$.predicate.mergedAt')) AS at,
    coalesce(json_extract(statement, '$.predicate.restores.origin'),
      json_extract(statement, '$.predicate.merges.origin')) AS other_origin,
    coalesce(json_extract(statement, '$.predicate.restores.size'), json_extract(statement, '$.predicate.merges.size'),
      json_extract(statement, '$.predicate.entries')) AS other_size,
    coalesce(json_extract(statement, '$.predicate.restores.root'),
      json_extract(statement, '$.predicate.merges.root')) AS other_root,
    json_extract(statement, '$.predicate.first') AS first_entry,
    json_extract(statement, '$.predicate.count') AS entries,
    json_extract(statement, '$.predicate.reason') AS reason, key_id AS signed_by, appended_at AS writer_clock
  FROM entry WHERE kind IN ('restore', 'migration', 'merge') ORDER BY idx;
CREATE VIEW v_merged AS
  SELECT idx, json_extract(statement, '$.predicate.mergedAt') AS merged_at,
    json_extract(statement, '$.predicate.source.origin') AS other_origin,
    json_extract(statement, '$.predicate.source.index') AS other_index,
    json_extract(statement, '$.predicate.source.kind') AS other_kind,
    json_extract(statement, '$.predicate.source.leafHash') AS other_leaf_hash,
    subject_name, subject_sha256, key_id AS signed_by, appended_at AS writer_clock
  FROM entry WHERE kind = 'merged' ORDER BY idx;
CREATE VIEW v_sealed AS
  WITH erased (idx, field, erased_by, basis, erased_at) AS (
    SELECT CAST(json_extract(x.statement, i.fullkey || '.index') AS INTEGER), CAST(f.value AS TEXT), min(x.idx),
      json_extract(x.statement, '$.predicate.basis'), json_extract(x.statement, '$.predicate.erasedAt')
    FROM entry AS x, json_each(x.statement, '$.predicate.erases') AS i,
      json_each(x.statement, i.fullkey || '.fields') AS f
    WHERE x.kind = 'erasure' GROUP BY 1, 2)
  SELECT e.idx, e.kind, c.key AS field,
    CASE WHEN s.value IS NOT NULL THEN 'present' WHEN x.erased_by IS NOT NULL THEN 'erased'
      ELSE 'not in this file' END AS state,
    s.value, c.value AS commitment, x.erased_by, x.erased_at, x.basis
  FROM entry AS e, json_each(e.statement, '$.predicate.sealed') AS c
  LEFT JOIN sealed AS s ON s.idx = e.idx AND s.field = c.key
  LEFT JOIN erased AS x ON x.idx = e.idx AND x.field = CAST(c.key AS TEXT)
  ORDER BY e.idx, c.key;
CREATE VIEW v_cosignature AS
  SELECT size, key_name AS witness, lower(hex(key_hash)) AS key_hash, line, received_at AS writer_clock
  FROM cosignature ORDER BY size, key_name, key_hash;
CREATE VIEW v_timestamp AS
  SELECT t.id, t.size, t.tsa, t.hash_algorithm, t.covers, length(t.token) AS token_bytes,
    coalesce(length(t.evidence), 0) AS evidence_bytes, c.root, t.received_at AS writer_clock
  FROM timestamp AS t LEFT JOIN checkpoint AS c ON c.size = t.size ORDER BY t.id;
CREATE VIEW v_stamped AS
  SELECT idx, json_extract(statement, '$.predicate.stampedAt') AS stamped_at,
    json_extract(statement, '$.predicate.size') AS size, json_extract(statement, '$.predicate.tsa') AS tsa,
    json_extract(statement, '$.predicate.tokenSha256') AS token_sha256,
    json_extract(statement, '$.predicate.covers') AS covers, key_id AS signed_by, appended_at AS writer_clock
  FROM entry WHERE kind = 'timestamp' ORDER BY idx;
COMMIT;
