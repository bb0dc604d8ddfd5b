"""What the guide says of fields, columns, refusals and scopes where the code says it in one language alone.

A field or a refusal that is missing here, or here and not there any more, stops `pemudik schema guide`.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from app.registry.clients import scopes

FIELDS: Mapping[str, Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "SubmitRegistrant": {
            "nik": ("`data_nik` dalam standar: 16 angka, sebagai teks.", '"3171030101909001"'),
            "name": ("`data_pemesan` dalam standar: nama sesuai kartu identitas.", '"Warga Contoh"'),
            "routeId": ("Rute Anda sendiri, atau rute anggota yang Anda sebut di `member`.", '"019c…"'),
            "identityDocument": (
                "Jenis dokumen yang ditunjukkan (ketentuan 2023 butir 1). Hanya jenisnya, tidak pernah gambarnya.",
                "KTP",
            ),
            "returnRouteId": (
                "Mendaftarkan arus balik sekaligus (ketentuan 2023 butir 3): keduanya diterima, atau tidak satu pun.",
                '"019c…"',
            ),
            "registeredAt": (
                "Waktu pendaftaran, paling lama 15 menit yang lalu. Bila kosong: sekarang.",
                '"2026-11-26T08:00:00+07:00"',
            ),
            "reference": ("Kode booking Anda sendiri.", '"DKI-0001"'),
            "motorcycle": ("Wajib untuk rute sepeda motor; untuk rute lain ditolak.", '{plate: "B 1234 XYZ", …}'),
            "member": ("Kode anggota yang Anda wakili sebagai koordinator.", '"bumn-satu"'),
            "bookedBy": ("Pemohon, yaitu siapa yang mendaftarkan orang ini.", '{nik: "…", name: "…"}'),
            "lapInfant": (
                (
                    "Bayi dipangku: di bawah 2 tahun pada hari berangkat menurut NIK; KIA atau KK. Tanpa kursi. "
                    "Pendampingnya, dengan `reference` yang sama, punya kursi pada rute yang sama: sudah terdaftar, "
                    "atau dalam panggilan yang sama."
                ),
                "true",
            ),
            "hold": ("Memakai kursi yang ditahan oleh `holdSeats` pada `routeId`.", '"019c…"'),
            "returnHold": ("Sama, pada `returnRouteId`.", '"019c…"'),
        },
        "SubmitBooking": {
            "reference": ("Kode booking Anda sendiri.", '"DKI-0002"'),
            "registrants": (
                "Paling banyak 20 orang. Yang kosong pada seseorang diambil dari bookingnya.",
                "[{nik: …, name: …, …}]",
            ),
            "bookedBy": ("Pemohon; ia tidak harus ikut berangkat.", '{nik: "…", name: "…"}'),
            "member": ("Kode anggota yang Anda wakili sebagai koordinator.", '"bumn-satu"'),
            "hold": ("Memakai kursi yang ditahan oleh `holdSeats`.", '"019c…"'),
            "returnHold": ("Sama, pada rute lain, misalnya arus balik.", '"019c…"'),
        },
        "ApplicantInput": {
            "nik": ("NIK pemohon.", '"3171030101909001"'),
            "name": ("Nama pemohon.", '"Warga Contoh"'),
        },
        "MotorcycleInput": {
            "plate": ("Nomor polisi, paling banyak 30 huruf.", '"B 1234 XYZ"'),
            "registrationNumber": ("Nomor STNK, paling banyak 30 huruf.", '"12345678"'),
        },
        "RegistrantRef": {
            "id": ("Id pendaftar.", '"019c…"'),
            "reference": (
                "Kode booking Anda; ditolak bila beberapa pendaftar memakainya, lihat `verifyBooking`.",
                '"DKI-0001"',
            ),
            "nik": ("NIK, di antara pendaftar Anda sendiri.", '{nik: "3171030101909001", direction: MUDIK}'),
        },
        "NikRef": {
            "nik": ("NIK pendaftar. Pencariannya dicatat pada catatan akses.", '"3171030101909001"'),
            "direction": ("Pada arah ini. Bila kosong: arus mudik.", "MUDIK"),
            "service": ("Kursi, atau sepeda motor. Bila kosong: kursi.", "PASSENGER"),
        },
        "Correction": {
            "reason": ("Alasan, 1 sampai 500 huruf, disimpan pada catatan; tanpa NIK atau nama.", '"Salah ketik"'),
            "nik": ("NIK yang benar; harus bebas.", '"3171030101909001"'),
            "name": ("Nama yang benar.", '"Warga Contoh"'),
            "identityDocument": ("Jenis dokumen yang ditunjukkan.", "KTP"),
            "reference": ("Kode booking Anda sendiri.", '"DKI-0001"'),
            "motorcycle": ("Nomor polisi dan nomor STNK yang benar.", '{plate: "B 1234 XYZ", …}'),
        },
        "TerminalInput": {
            "code": ("Huruf kecil, angka dan tanda hubung, paling banyak 40.", '"pulo-gebang"'),
            "name": ("Nama yang dikenal orang.", '"Pulo Gebang"'),
            "city": ("`Kota …` atau `Kab. …`; nama lain dikenali.", '"Kota Jakarta Timur"'),
            "kind": ("Jenis tempat. Bila kosong: terminal bus.", "TERMINAL"),
            "regionCode": ("Kode kota atau kabupaten dari Kemendagri, empat angka.", '"3175"'),
        },
        "RouteFilter": {
            "organizer": ("Kode penyelenggara.", '"dishub-dki"'),
            "direction": ("Arah ini saja.", "MUDIK"),
            "service": ("Layanan ini saja.", "PASSENGER"),
            "originCity": ("Berangkat dari kota ini, dengan nama yang mana pun: Solo adalah Kota Surakarta.", '"Solo"'),
            "destinationCity": ("Menuju kota ini.", '"Kota Semarang"'),
            "withSeats": ("`true`: yang masih punya kursi. `false`: yang penuh.", "true"),
            "season": ("Periode. Bila kosong: yang sedang dibuka, atau yang terbaru bila semua ditutup.", "2026"),
            "provisional": (
                "`true`: yang dibuat oleh sebuah baris, untuk ditinjau. `false`: yang dinyatakan.",
                "false",
            ),
        },
        "RouteInput": {
            "name": ("`rute_perjalanan` dalam standar.", '"Jakarta - Solo"'),
            "direction": ("Arus mudik atau arus balik.", "MUDIK"),
            "service": ("Kursi penumpang, atau sepeda motor yang diangkut.", "PASSENGER"),
            "mode": ("Moda angkutan.", "BUS"),
            "origin": ("Kode terminal keberangkatan.", '"pulo-gebang"'),
            "destination": ("Kode terminal tujuan.", '"tirtonadi"'),
            "departsAt": (
                "Waktu berangkat, paling lambat 30 hari setelah hari terakhir periode. Bila kosong: belum ditetapkan.",
                '"2026-11-26T08:00:00+07:00"',
            ),
            "quota": (
                "Jumlah kursi, tidak di bawah yang terisi. Bila kosong: tidak dibatasi, atau tetap seperti sekarang.",
                "40",
            ),
            "id": ("Rute yang diubah. Bila kosong: rute baru, kecuali yang sama sudah ada.", '"019c…"'),
            "season": ("Periode. Bila kosong: periode yang sedang dibuka.", "2026"),
            "organizer": ("Anggota yang Anda wakili sebagai koordinator. Bila kosong: Anda sendiri.", '"bumn-satu"'),
        },
        "WebhookInput": {
            "id": ("Webhook yang diubah. Bila kosong: yang beralamat sama, atau yang baru.", '"019c…"'),
            "url": (
                "`https://nama/jalur` yang hanya menuju alamat publik, porta 443 atau mulai 1024, tanpa pengalihan.",
                '"https://mudik.example/webhook"',
            ),
            "events": ("Peristiwa yang dikirim, sedikitnya satu.", "[REGISTRANT_FORFEITED]"),
            "organizer": ("Anggota yang Anda wakili sebagai koordinator. Bila kosong: Anda sendiri.", '"bumn-satu"'),
        },
        "Problem": {
            "code": ("Kode penolakan; program Anda bercabang menurut ini.", '"NIK_ALREADY_REGISTERED"'),
            "refusal": ("Kode yang sama sebagai enum, untuk program yang tipenya dibuat dari skema.", "QUOTA_FULL"),
            "message": (
                "Kalimat untuk orang: bahasa Indonesia, atau Inggris dengan `Accept-Language: en`.",
                '"Kuota rute ini 40."',
            ),
            "field": ("Elemen masukan yang dimaksud.", '"nik"'),
            "standing": ("Pada NIK_ALREADY_REGISTERED: pendaftaran yang memegang NIK itu.", "{organizer: …}"),
            "allowed": ("Pada TRANSITION_NOT_ALLOWED: status yang dapat menyusul sekarang.", "[DEPARTED, CANCELLED]"),
            "retryAfter": ("Detik, setelah itu panggilan yang sama mungkin diterima.", "3600"),
        },
    }
)
"""Of each type of the guide and each of its fields: what it is, and an example."""

VALUES: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "Direction": {"MUDIK": "Arus mudik: perjalanan pulang ke kampung.", "BALIK": "Arus balik: perjalanan kembali."},
        "Service": {
            "PASSENGER": "Kursi penumpang.",
            "MOTORCYCLE": "Sepeda motor yang diangkut; pengendaranya naik angkutan lain.",
        },
        "Mode": {"BUS": "Bus.", "TRAIN": "Kereta api.", "SHIP": "Kapal.", "TRUCK": "Truk, untuk sepeda motor."},
        "IdentityDocument": {
            "KTP": "Kartu Tanda Penduduk.",
            "SIM": "Surat Izin Mengemudi.",
            "KK": "Kartu Keluarga.",
            "KIA": "Kartu Identitas Anak.",
        },
        "PlaceKind": {
            "TERMINAL": "Terminal bus.",
            "STATION": "Stasiun kereta api.",
            "PORT": "Pelabuhan.",
            "MEETING_POINT": "Tempat berkumpul lain, misalnya Monas.",
        },
    }
)
"""Of each enum of the guide and each of its values: what it means, in Indonesian; in English the schema says it."""

COLUMNS: Mapping[str, str] = MappingProxyType(
    {
        "data_nik": "NIK, 16 digits, as text. As a number it loses its last digit and is refused.",
        "data_pemesan": "Name of the participant, as on the identity document.",
        "rute_perjalanan": "Name of the route. A route that is not known is noted for review.",
        "keberangkatan_terminal": "Terminal, station, port or meeting point of departure.",
        "tujuan_terminal": "Terminal, station, port or place of arrival.",
        "kota_keberangkatan": "City or regency of departure.",
        "kota_tujuan": "City or regency of arrival.",
        "tipe_keberangkatan": "`Arus mudik` (the trip home) or `Arus balik` (the trip back).",
        "tanggal_pendaftaran": "When the person registered. Without a zone it is WIB.",
        "status_pemesanan_tittle": "Title of the status. Title or code is enough; both have to agree.",
        "status_pemesanan_code": "Code of the status: 1 registered, 2 verified, 3 departed; 4 forfeited, 5 cancelled,"
        " 6 not aboard are this registry's extension.",
        "source": "Code or name of the organizer. Empty: whoever sends. A coordinator names its member.",
        "nomor_polisi": "Of a motorcycle: its plate number.",
        "nomor_stnk": "Of a motorcycle: its STNK number.",
        "waktu_keberangkatan": "When it departs, where one route departs several times.",
        "waktu_verifikasi": "When the person was verified at the posko, for lists that are sent later.",
        "moda": "Mode of transport: Bus, Kereta api (train), Kapal (ship), Truk (truck).",
        "kode_booking": "Your own booking code.",
        "jenis_dokumen": "The identity document that was shown: KTP, SIM, KK or KIA.",
    }
)
"""What a column of rows and files means, in English; in Indonesian the template says it."""

EXAMPLES: Mapping[str, str] = MappingProxyType(
    {"data_nik": "3171030101909001", "data_pemesan": "Warga Contoh", "kode_booking": "DKI-0001", "moda": "Bus"}
)
"""In place of those of the template, whose row is left out when it is read."""

SCOPES: Mapping[str, str] = MappingProxyType(
    {
        scopes.NIK_CHECK: "Memeriksa NIK.",
        scopes.REGISTRANTS_WRITE: "Mengirim, memindahkan, memperbaiki, membatalkan pendaftar penyelenggara sendiri;"
        " impor.",
        scopes.REGISTRANTS_READ: "Membaca pendaftar penyelenggara sendiri, lengkap.",
        scopes.ROUTES_WRITE: "Menyatakan terminal, rute dan kuota sendiri.",
        scopes.POSKO_ACT: "Mencari satu pendaftar atau booking sendiri dengan kode, NIK atau id; memverifikasi"
        " dan mencatat keberangkatannya.",
        scopes.DASHBOARD_READ: "Membaca angka, dan pendaftar semua penyelenggara dengan NIK yang disamarkan. Hanya"
        " Hubdat.",
        scopes.HUBDAT_ADMIN: "Penyelenggara, klien, jadwal, kebijakan, blokir, kasus, catatan akses, penghapusan. Hanya"
        " Hubdat.",
        scopes.FEDERATION_READ: "Membaca skema, seperti gateway: introspeksi dan `_service`.",
        scopes.CLIENTS_WRITE: "Menerbitkan, mengganti dan mencabut klien penyelenggara sendiri, dalam izin sendiri.",
    }
)
